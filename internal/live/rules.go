package live

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube/health"
)

// SetRules sets the health rules for the objects of an ApplySet; nil leaves only those
// for all apps. The health is computed when an object is seen, and its body is dropped.
// So the kinds in the old or the new rules are listed again if the ApplySet has objects
// of them.
func (x *Index) SetRules(partOf string, rules *health.Rules) {
	x.mu.Lock()
	old := x.rules[partOf]
	if old.Equal(rules) {
		x.mu.Unlock()
		return
	}
	if rules == nil {
		delete(x.rules, partOf)
	} else {
		x.rules[partOf] = rules
	}
	var stale []*follow
	for gk, f := range x.follows {
		if (old.Has(gk) || rules.Has(gk)) && x.hasLocked(partOf, gk) {
			stale = append(stale, f)
		}
	}
	x.mu.Unlock()
	for _, f := range stale {
		f.beginAnew()
	}
}

// hasLocked reports whether an ApplySet has objects of a kind.
func (x *Index) hasLocked(partOf string, gk schema.GroupKind) bool {
	for entry := range x.members[partOf] {
		if entry.ID.GroupKind() == gk {
			return true
		}
	}
	return false
}

// beginAnew restarts the listing and watching of the kind.
func (f *follow) beginAnew() {
	f.mu.Lock()
	restart := f.restart
	f.mu.Unlock()
	if restart != nil {
		restart()
	}
	f.hurry()
}

// EntryOf makes the entry of an object, judged by the rules of its ApplySet.
func (x *Index) EntryOf(u *unstructured.Unstructured) Entry {
	entry := x.bare(u)
	x.mu.RLock()
	rules := x.rules[entry.PartOf]
	x.mu.RUnlock()
	if rules.Has(u.GroupVersionKind().GroupKind()) {
		entry.Health, entry.UnusedClass = rules.Of(u), ""
		entry.Hook, entry.Ended = hookOf(u, entry.Health), rules.EndOf(u)
	}
	return entry
}

// needsBody reports whether the health of a kind's objects needs more than their
// metadata, by itself or by the rules of any ApplySet.
func (x *Index) needsBody(gk schema.GroupKind) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.needsBodyLocked(gk)
}

func (x *Index) needsBodyLocked(gk schema.GroupKind) bool {
	if health.NeedsBody(gk) {
		return true
	}
	for _, rules := range x.rules {
		if rules.Has(gk) {
			return true
		}
	}
	return false
}
