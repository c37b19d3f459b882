// Package live indexes the running objects. With one watch for each kind in use, it
// follows the objects of a cluster that belong to an ApplySet, and keeps of each only
// the data for planning, health and drift: identity, versions, health, and a
// fingerprint of the fields that Pushboat owns.
package live

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
)

// Event is one change of the index.
type Event struct {
	Entry   Entry // the current object, or its last state before it went
	Deleted bool  // it is gone, or it has lost its label
}

// Index is the live index of one cluster. Use New. Its methods are safe for concurrent
// use.
type Index struct {
	cluster *kube.Cluster
	log     *logrus.Entry
	tools   owner.Tools
	ctx     context.Context // ends every task
	tasks   tasks

	mu       sync.RWMutex
	follows  map[schema.GroupKind]*follow
	entries  map[manifest.ID]*Entry         // never changed once they are here
	members  map[string]map[*Entry]struct{} // by ApplySet id
	sick     map[string]map[*Entry]struct{} // members that are not healthy, see Sick
	hooks    map[string]map[*Entry]struct{} // members that run as hooks
	unowned  map[string]map[*Entry]struct{} // members without a fingerprint, see Unowned
	users    map[string][]schema.GroupKind  // the kinds in use, by ApplySet id
	changes  map[string]*changes            // by ApplySet id
	rules    map[string]*health.Rules       // by ApplySet id; none where there is no entry
	waiters  map[string]map[chan struct{}]struct{}
	onChange []func(Event)
	onReturn []func()
	onLoss   []func()
	grace    time.Duration // how long an unused kind is watched
	lossy    time.Duration // how long a watch may be behind a list
}

// New makes an empty index of a cluster on which the tools count as hand tools. Its
// watches end with ctx; Wait returns when they have ended.
func New(ctx context.Context, cluster *kube.Cluster, tools owner.Tools, log *logrus.Entry) *Index {
	return &Index{
		cluster: cluster,
		log:     log.WithField("cluster", cluster.Name()),
		tools:   tools,
		ctx:     ctx,
		follows: map[schema.GroupKind]*follow{},
		entries: map[manifest.ID]*Entry{},
		members: map[string]map[*Entry]struct{}{},
		sick:    map[string]map[*Entry]struct{}{},
		hooks:   map[string]map[*Entry]struct{}{},
		unowned: map[string]map[*Entry]struct{}{},
		users:   map[string][]schema.GroupKind{},
		changes: map[string]*changes{},
		rules:   map[string]*health.Rules{},
		waiters: map[string]map[chan struct{}]struct{}{},
		grace:   unusedGrace,
		lossy:   lossGrace,
	}
}

// Wait returns when no goroutine of the index runs any more, which takes the end of its
// context. None starts afterwards.
func (x *Index) Wait() { x.tasks.wait() }

// OnChange calls f for every later change. f runs in the watch: it must be
// quick and must not call Follow. Call OnChange before the first Follow.
func (x *Index) OnChange(f func(Event)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.onChange = append(x.onChange, f)
}

// OnReturn calls f whenever a kind is seen again after its cluster, or only its API,
// did not answer. f must be quick. Call OnReturn before the first Follow.
func (x *Index) OnReturn(f func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.onReturn = append(x.onReturn, f)
}

// OnLoss calls f whenever a request of a watch fails because its cluster, or only its
// API, does not answer. f must be quick. Call OnLoss before the first Follow.
func (x *Index) OnLoss(f func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.onLoss = append(x.onLoss, f)
}

// returned reports that a kind is seen again.
func (x *Index) returned() { x.tell(&x.onReturn) }

// lost reports that a kind cannot be seen.
func (x *Index) lost() { x.tell(&x.onLoss) }

func (x *Index) tell(listeners *[]func()) {
	x.mu.RLock()
	told := *listeners
	x.mu.RUnlock()
	for _, f := range told {
		f()
	}
}

// Follow makes sure that the index covers the kinds, and returns when it has listed
// them all. Kinds that it already follows cost nothing.
//
// Kinds that cannot be followed are left out: a watch of them would fail for ever, and
// the index has no objects of theirs.
func (x *Index) Follow(ctx context.Context, kinds ...kube.Kind) error {
	kinds = followable(kinds)
	follows := make([]*follow, 0, len(kinds))
	for _, kind := range kinds {
		follows = append(follows, x.follow(kind))
	}
	for _, f := range follows {
		if err := f.wait(ctx); err != nil {
			return fmt.Errorf("list %s on cluster %s: %w", f.target().Resource.Resource, x.cluster.Name(), err)
		}
	}
	return nil
}

// followable are the kinds whose objects can be listed and watched, as far as is known.
func followable(kinds []kube.Kind) []kube.Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(kind kube.Kind) bool {
		missing := kind.Missing()
		return slices.Contains(missing, "list") || slices.Contains(missing, "watch")
	})
}

// Members returns the objects of an ApplySet, in no order. What was made to run
// as a hook is none of them; see Hooks.
func (x *Index) Members(partOf string) []Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	entries := make([]Entry, 0, len(x.members[partOf]))
	for entry := range x.members[partOf] {
		if entry.Hook == nil {
			entries = append(entries, *entry)
		}
	}
	return entries
}

// Has reports whether f is true of any of the objects that Members lists, without copying
// them. It ends with the first one. f must be quick and must not call the index.
func (x *Index) Has(partOf string, f func(*Entry) bool) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for entry := range x.members[partOf] {
		if entry.Hook == nil && f(entry) {
			return true
		}
	}
	return false
}

// Count is the number of the objects that Members lists.
func (x *Index) Count(partOf string) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.members[partOf]) - len(x.hooks[partOf])
}

// Unowned returns those of the objects that Members lists of which Pushboat owns no field.
// Somebody has wiped their managedFields, or has copied the label to what is not the app's.
func (x *Index) Unowned(partOf string) []Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	entries := make([]Entry, 0, len(x.unowned[partOf]))
	for entry := range x.unowned[partOf] {
		entries = append(entries, *entry)
	}
	return entries
}

// Sick returns those of the objects that Members lists which are not healthy and are not
// being deleted. It costs what they are, not what the ApplySet is.
func (x *Index) Sick(partOf string) []Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	entries := make([]Entry, 0, len(x.sick[partOf]))
	for entry := range x.sick[partOf] {
		entries = append(entries, *entry)
	}
	return entries
}

// Beyond returns those of the objects that Members lists which are not among the ids,
// each of which comes once. Most of the time there are none.
func (x *Index) Beyond(partOf string, ids iter.Seq[manifest.ID]) []Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	among := map[*Entry]struct{}{}
	n := 0
	for id := range ids {
		if entry := x.entries[id]; entry != nil && entry.PartOf == partOf && entry.Hook == nil {
			n++
		}
	}
	if n == len(x.members[partOf])-len(x.hooks[partOf]) {
		return nil
	}
	for id := range ids {
		if entry := x.entries[id]; entry != nil {
			among[entry] = struct{}{}
		}
	}
	var entries []Entry
	for entry := range x.members[partOf] {
		if _, ok := among[entry]; !ok && entry.Hook == nil {
			entries = append(entries, *entry)
		}
	}
	return entries
}

// Get returns the entry of an object that belongs to some ApplySet.
func (x *Index) Get(id manifest.ID) (Entry, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if entry, ok := x.entries[id]; ok {
		return *entry, true
	}
	return Entry{}, false
}

// VersionOf returns the version in which objects of a kind are watched; "" if they are not.
func (x *Index) VersionOf(gk schema.GroupKind) string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if f := x.follows[gk]; f != nil {
		return f.kind.GVK.Version
	}
	return ""
}

// Lacks reports whether the index knows that an object does not exist, or belongs to no
// ApplySet: its kind has been listed, and the object was not there.
func (x *Index) Lacks(id manifest.ID) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	f := x.follows[id.GroupKind()]
	if f == nil || x.entries[id] != nil {
		return false
	}
	select {
	case <-f.synced:
		return true
	default:
		return false
	}
}

// Changed returns a channel that receives whenever an object of the ApplySet
// changes, coalesced to one pending signal, and a function that ends it.
func (x *Index) Changed(partOf string) (<-chan struct{}, func()) {
	signal := make(chan struct{}, 1)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.waiters[partOf] == nil {
		x.waiters[partOf] = map[chan struct{}]struct{}{}
	}
	x.waiters[partOf][signal] = struct{}{}
	return signal, func() { x.unsubscribe(partOf, signal) }
}

func (x *Index) unsubscribe(partOf string, signal chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.waiters[partOf], signal)
	if len(x.waiters[partOf]) == 0 {
		delete(x.waiters, partOf)
	}
}

// Tools returns the field managers that count as hand tools on this cluster.
func (x *Index) Tools() owner.Tools { return x.tools }

// Note enters the result of one of our requests, which may arrive before or after the
// watch's event for it; the later resource version stays.
func (x *Index) Note(u *unstructured.Unstructured) { x.put(x.EntryOf(u)) }

// put enters an object unless a later version of it is there.
func (x *Index) put(entry Entry) {
	x.enter(entry, func(old *Entry) bool {
		return newer(entry.ResourceVersion, old.ResourceVersion) || old.partial && entry.ResourceVersion == old.ResourceVersion
	})
}

// enter makes the entry the current one of the object, if it replaces the existing one.
func (x *Index) enter(entry Entry, replaces func(old *Entry) bool) {
	entry.intern()
	x.mu.Lock()
	old, known := x.entries[entry.ID]
	if known && !replaces(old) {
		x.mu.Unlock()
		return
	}
	entry.age(old)
	entry.succeed(old)
	x.removeLocked(old)
	if entry.PartOf != "" {
		x.insertLocked(&entry)
	}
	if known {
		x.tellLocked(old.PartOf)
	}
	x.tellLocked(entry.PartOf)
	listeners := x.onChange
	x.mu.Unlock()
	for _, f := range listeners {
		f(Event{Entry: entry, Deleted: entry.PartOf == ""})
	}
}

// drop removes an object that has gone from the watch.
func (x *Index) drop(entry Entry) {
	x.mu.Lock()
	old, known := x.entries[entry.ID]
	if !known || (entry.ResourceVersion != "" && newer(old.ResourceVersion, entry.ResourceVersion)) {
		x.mu.Unlock()
		return
	}
	x.removeLocked(old)
	x.tellLocked(old.PartOf)
	listeners := x.onChange
	x.mu.Unlock()
	gone := *old
	if gone.UID == entry.UID {
		gone.Ended = cmp.Or(gone.Ended, entry.Ended) // it may have ended and gone in one event
	}
	for _, f := range listeners {
		f(Event{Entry: gone, Deleted: true})
	}
}

// replace makes the entries the whole content of a kind, after a list. A list counts
// even where the index has a later version: the cluster may have been restored from a
// backup, and the watch delivers what is merely late.
func (x *Index) replace(gk schema.GroupKind, entries []Entry) {
	current := make(map[manifest.ID]struct{}, len(entries))
	for _, entry := range entries {
		current[entry.ID] = struct{}{}
	}
	for _, stale := range x.ofKind(gk) {
		if _, ok := current[stale.ID]; !ok {
			x.drop(Entry{ID: stale.ID})
		}
	}
	for _, entry := range entries {
		x.enter(entry, func(old *Entry) bool {
			return old.partial || entry.ResourceVersion != old.ResourceVersion || entry.Health != old.Health
		})
	}
}

// ofKind returns the entries of a kind.
func (x *Index) ofKind(gk schema.GroupKind) []*Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var entries []*Entry
	for id, entry := range x.entries {
		if id.GroupKind() == gk {
			entries = append(entries, entry)
		}
	}
	return entries
}

func (x *Index) insertLocked(entry *Entry) {
	x.entries[entry.ID] = entry
	addTo(x.members, entry)
	x.noteChangeLocked(entry)
	if entry.isSick() {
		addTo(x.sick, entry)
	}
	if entry.Hook != nil {
		addTo(x.hooks, entry)
	}
	if entry.Fingerprint == "" {
		addTo(x.unowned, entry)
	}
}

// removeLocked removes an entry, which may be nil.
func (x *Index) removeLocked(old *Entry) {
	if old == nil {
		return
	}
	delete(x.entries, old.ID)
	takeFrom(x.members, old)
	x.noteChangeLocked(old)
	takeFrom(x.sick, old)
	takeFrom(x.hooks, old)
	takeFrom(x.unowned, old)
}

// isSick reports whether the object counts as unhealthy.
func (e *Entry) isSick() bool { return e.Hook == nil && !e.Health.OK() && !e.Terminating }

// addTo enters an entry in the set of its ApplySet.
func addTo(sets map[string]map[*Entry]struct{}, entry *Entry) {
	if sets[entry.PartOf] == nil {
		sets[entry.PartOf] = map[*Entry]struct{}{}
	}
	sets[entry.PartOf][entry] = struct{}{}
}

// takeFrom removes an entry from the set of its ApplySet.
func takeFrom(sets map[string]map[*Entry]struct{}, entry *Entry) {
	delete(sets[entry.PartOf], entry)
	if len(sets[entry.PartOf]) == 0 {
		delete(sets, entry.PartOf)
	}
}

func (x *Index) tellLocked(partOfs ...string) {
	for _, partOf := range partOfs {
		for signal := range x.waiters[partOf] {
			select {
			case signal <- struct{}{}:
			default:
			}
		}
	}
}
