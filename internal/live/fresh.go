package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

const (
	// listPage is the number of objects in one page of a fresh list. An object's
	// metadata has 1 to 2 KB, most of it managedFields: a page is a few MB, and most
	// kinds need only one.
	listPage = 5000
	// lossGrace is the time that the watch has to report the changes in a list.
	lossGrace = 10 * time.Second
	// servedWithin is the time that an API server has to answer for the objects of a
	// kind that it lists as served.
	servedWithin = 5 * time.Second
	// listTimeout bounds one fresh list.
	listTimeout = time.Minute
)

// listing is one fresh list of a kind, shared by all callers that accept its time.
type listing struct {
	began   time.Time
	deleted map[manifest.ID]string // deletions that the watch saw, and when
	done    chan struct{}
	err     error // once done
}

// Fresh makes the index's view of the kinds at least as new as a moment, by asking the
// server and not the watch, which may have lost an event. It lists the metadata of each
// kind's objects once for all callers: a list that began at that moment or later serves
// every caller that accepts it, and callers that come while it runs wait for it. It
// costs nothing if there is such a list.
func (x *Index) Fresh(ctx context.Context, moment time.Time, kinds ...kube.Kind) error {
	kinds = followable(kinds)
	if err := x.Follow(ctx, kinds...); err != nil {
		return err
	}
	lists := make([]*listing, len(kinds))
	for i, kind := range kinds {
		lists[i] = x.follow(kind).fresh(moment)
	}
	for i, l := range lists {
		select {
		case <-l.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if l.err != nil {
			return x.explain(kinds[i], l.err)
		}
	}
	return nil
}

// explain names the kind that could not be listed, or the cluster if that is away.
func (x *Index) explain(kind kube.Kind, err error) error {
	if away := x.cluster.Away(x.ctx, kind, err); away != nil {
		return away
	}
	if kube.IsUnreachable(err) {
		return &kube.UnreachableError{Cluster: x.cluster.Name(), Err: err}
	}
	return fmt.Errorf("list %s on cluster %s: %w", kind.Resource.Resource, x.cluster.Name(), err)
}

// fresh returns the newest list if it began late enough, and else a new one.
func (f *follow) fresh(moment time.Time) *listing {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.listing; l != nil && !l.began.Before(moment) {
		return l
	}
	l := &listing{began: time.Now(), deleted: map[manifest.ID]string{}, done: make(chan struct{})}
	f.listing = l
	if !f.index.tasks.begin(func() { f.list(l) }) {
		l.err = context.Canceled
		close(l.done)
		return l
	}
	f.lists[l] = true
	return l
}

// list runs a list.
func (f *follow) list(l *listing) {
	ctx, cancel := context.WithTimeout(f.index.ctx, listTimeout)
	defer cancel()
	entries, version, err := f.everythingServed(ctx)
	f.mu.Lock()
	delete(f.lists, l)
	if err != nil && f.listing == l {
		f.listing = nil // the next caller asks again
	}
	f.mu.Unlock()
	if err == nil {
		f.await(f.index.merge(f.gk(), snapshot{entries, version, l.deleted}))
		f.resume()
	}
	l.err = err
	close(l.done)
}

// everythingServed is everything for a kind that may have just changed the form in
// which it is served. An API server lists a recreated definition a moment before it
// answers for its objects.
func (f *follow) everythingServed(ctx context.Context) (entries []Entry, version string, err error) {
	late := time.Now().Add(servedWithin)
	for {
		entries, version, err = f.everything(ctx)
		if !isGone(err) {
			return entries, version, err
		}
		gone := err
		switch err = f.retarget(ctx, gone); {
		case err == nil:
			f.beginAnew() // a watch goes on when its version is no longer served
		case !isGone(err) || errors.Is(err, errUnserved) || time.Now().After(late):
			return nil, "", err
		}
		select {
		case <-time.After(retryMin):
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
	}
}

// resume makes a failed watch retry at once: a list has shown that the kind is served.
func (f *follow) resume() {
	if f.down.Load() != nil {
		f.hurry()
	}
}

// everything asks for the metadata of every object, page by page, as of one moment. If
// a list takes so long that its later pages expire, it is requested again in one piece.
func (f *follow) everything(ctx context.Context) (entries []Entry, version string, err error) {
	kind := f.target()
	options := selecting(metav1.ListOptions{Limit: listPage})
	for {
		page, err := f.index.cluster.ListVersions(ctx, kind, options)
		if apierrors.IsResourceExpired(err) && options.Continue != "" {
			entries, options = nil, selecting(metav1.ListOptions{})
			continue
		}
		if err != nil {
			return nil, "", err
		}
		for _, found := range page.Items {
			entry, err := f.entryOfListed(found)
			if err != nil {
				return nil, "", err
			}
			entries = append(entries, entry)
		}
		version = page.ResourceVersion
		if options.Continue = page.Continue; options.Continue == "" {
			return entries, version, nil
		}
	}
}

// entryOfListed makes the entry of an object in a list, or takes the existing entry if
// that has the same version.
func (f *follow) entryOfListed(v kube.Version) (Entry, error) {
	gk := f.gk()
	known, ok := f.index.Get(manifest.ID{Group: gk.Group, Kind: gk.Kind, Namespace: v.Namespace, Name: v.Name})
	if ok && v.ResourceVersion != "" && known.ResourceVersion == v.ResourceVersion && known.UID == v.UID {
		return known, nil
	}
	m, err := v.Metadata()
	if err != nil {
		return Entry{}, err
	}
	return f.entryOfMetadata(m), nil
}

// snapshot is the result of a list.
type snapshot struct {
	entries []Entry
	version string                 // of the list
	deleted map[manifest.ID]string // deletions that the watch saw meanwhile, and when
}

// merge brings the index up to a list where the watch is behind it; where the watch is
// ahead, the index stays. It returns the changes, with the version that the watch has
// yet to report; "" is a deletion.
func (x *Index) merge(gk groupKind, s snapshot) map[manifest.ID]string {
	behind := map[manifest.ID]string{}
	listed := make(map[manifest.ID]struct{}, len(s.entries))
	for _, entry := range s.entries {
		listed[entry.ID] = struct{}{}
		old, known := x.Get(entry.ID)
		gone, left := s.deleted[entry.ID]
		switch {
		case known && !newer(entry.ResourceVersion, old.ResourceVersion):
			continue
		case !known && left && newer(gone, s.version):
			continue
		case known && entry.partial:
			entry.Health, entry.Hook, entry.Ended = old.Health, old.Hook, old.Ended
		case entry.partial:
			entry.Health = notSeen
		}
		behind[entry.ID] = entry.ResourceVersion
		x.put(entry)
	}
	for _, old := range x.ofKind(gk) {
		if _, there := listed[old.ID]; !there && !newer(old.ResourceVersion, s.version) {
			behind[old.ID] = ""
			x.drop(Entry{ID: old.ID})
		}
	}
	return behind
}

// await gives the watch some time to report the changes in a list. A watch that does
// not has lost an event, and is restarted.
func (f *follow) await(behind map[manifest.ID]string) {
	if len(behind) == 0 {
		return
	}
	f.mu.Lock()
	f.awaited = behind
	f.mu.Unlock()
	f.index.later(f.index.lossy, f.judge)
}

// judge restarts the watch if it has not reported the expected changes.
func (f *follow) judge() {
	f.mu.Lock()
	lost := f.awaited
	f.awaited = nil
	f.mu.Unlock()
	if len(lost) == 0 {
		return
	}
	var one manifest.ID
	for one = range lost {
		break
	}
	f.index.log.WithField("kind", one.Kind).Warnf(
		"the watch did not tell of changes to %s, %s among them, which a list has shown; it begins anew", manifest.Plural(len(lost), "object"), one)
	f.beginAnew()
}

// arrived notes an event of the watch.
func (f *follow) arrived(entry Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.event = time.Now()
	if version, ok := f.awaited[entry.ID]; ok && !newer(version, entry.ResourceVersion) {
		delete(f.awaited, entry.ID)
	}
}

// sawDeletion notes that the watch saw the deletion of an object.
func (f *follow) sawDeletion(entry Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.event = time.Now()
	delete(f.awaited, entry.ID)
	for l := range f.lists {
		l.deleted[entry.ID] = entry.ResourceVersion
	}
}

// began notes that the watch begins with its own list.
func (f *follow) began() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.event, f.awaited = time.Now(), nil
}

// told notes a sign of life.
func (f *follow) told() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.event = time.Now()
}
