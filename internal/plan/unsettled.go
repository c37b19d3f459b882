package plan

import (
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Nearly all objects of an app stay as they were left. A look at each of ten thousand, in
// the ledger and in the index, took longer than all else of a push that changes one. So
// the ledger remembers which are settled, and looks again only at those that the index, or
// whoever notes something, has told of since.

// Sight is what a ledger asks of the index of what runs. A *live.Index is one.
type Sight interface {
	Get(id manifest.ID) (live.Entry, bool)
	Has(partOf string, f func(*live.Entry) bool) bool
	ChangedSince(partOf string, number uint64) (ids []manifest.ID, next uint64, ok bool)
}

// view is what a ledger has seen of an index. Its zero value is nothing.
type view struct {
	index Sight
	set   string // the app's ApplySet
	next  uint64 // the number of the index's next change, see live.Index.ChangedSince

	// unsettled are the objects to look at: all that the app is known to have, or that are
	// of its ApplySet, but for those that were found settled and have not changed since.
	// It is nil before the first look.
	unsettled map[manifest.ID]struct{}
}

// Unsettled returns the objects that the app is known to have, or that the index has of its
// ApplySet, except for those that are settled: they are there, are the app's, are as they
// were left, have not come to an end, and are neither hooks, being deleted nor frozen.
func (l *Ledger) Unsettled(index Sight, set string) []manifest.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lookLocked(index, set)
	ids := make([]manifest.ID, 0, len(l.view.unsettled))
	for id := range l.view.unsettled {
		ids = append(ids, id)
	}
	return ids
}

// lookLocked brings the view of the index up to date.
func (l *Ledger) lookLocked(index Sight, set string) {
	v := &l.view
	changed, next, ok := index.ChangedSince(set, v.next)
	if !ok || v.unsettled == nil || v.index != index || v.set != set {
		*v = view{index: index, set: set, unsettled: make(map[manifest.ID]struct{}, len(l.objects))}
		for id := range l.objects {
			v.unsettled[id] = struct{}{}
		}
		index.Has(set, func(entry *live.Entry) bool {
			v.unsettled[entry.ID] = struct{}{}
			return false
		})
	}
	v.next = next
	for _, id := range changed {
		v.unsettled[id] = struct{}{}
	}
	for id := range v.unsettled {
		settled, of := l.judgeLocked(id)
		if settled || !of {
			delete(v.unsettled, id)
		}
		if !settled {
			l.strikeLocked(id)
		}
	}
}

// judgeLocked reports whether an object is settled, and whether the app is known to have
// it or the index has it of the app's ApplySet.
func (l *Ledger) judgeLocked(id manifest.ID) (settled, of bool) {
	n, noted := l.objects[id]
	entry, there := l.view.index.Get(id)
	member := there && entry.PartOf == l.view.set
	settled = noted && member && entry.Hook == nil && !entry.Terminating &&
		n.Fingerprint != "" && n.Fingerprint == entry.Fingerprint && n.Ended == "" && entry.Ended == "" &&
		!entry.Policies.Has(manifest.Frozen)
	return settled, noted || member
}

// stirLocked has an object looked at that was noted otherwise, or forgotten.
func (l *Ledger) stirLocked(id manifest.ID) {
	if l.view.unsettled != nil {
		l.view.unsettled[id] = struct{}{}
	}
	l.strikeLocked(id)
}

// folded are the objects that a plan has found to be settled, and as they are written.
type folded struct {
	places []*placed // in the order of their target
	when   uint64    // of Ledger.strikes, when the plan began; 0 for none
}

// strikeLocked notes that an object is not known any more to be as a plan has found it.
func (l *Ledger) strikeLocked(id manifest.ID) {
	l.strikes++
	if l.folding > 0 || len(l.folded.places) > 0 {
		l.struck[id] = l.strikes
	}
}

// known are the objects of which it is known from an earlier plan that they are settled, and
// as they are written.
type known struct {
	places aligned[placed]
	struck map[manifest.ID]struct{} // those of them of which it is not known any more
	when   uint64                   // of Ledger.strikes
}

// fold begins a plan of all objects of the app, and returns those that need not be looked
// at. foldedNow ends it.
func (l *Ledger) fold(index Sight, set string) *known {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lookLocked(index, set)
	k := &known{places: aligned[placed]{list: l.folded.places}, struck: map[manifest.ID]struct{}{}, when: l.strikes}
	for id, when := range l.struck {
		if when > l.folded.when {
			k.struck[id] = struct{}{}
		}
	}
	l.folding++
	return k
}

// foldedNow notes which objects of the app a plan has found to be settled, and as they are
// written, since it began.
func (l *Ledger) foldedNow(began *known, places []*placed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.folding--
	if began.when < l.folded.when { // another plan began after it
		return
	}
	l.folded = folded{places, began.when}
	for id, when := range l.struck {
		if when <= began.when {
			delete(l.struck, id)
		}
	}
}

// has reports whether the object is among the known ones. Objects are asked for in the
// order of their target.
func (k *known) has(o *Placed) bool {
	if k == nil || o.place == nil {
		return false
	}
	if _, ok := k.places.find(o.place); !ok {
		return false
	}
	_, struck := k.struck[o.Key]
	return !struck
}

// HasOnly reports whether it is known that the app has no object beside those of a plan (see
// Plan.IDs),
// neither on the cluster nor in the ledger. false says nothing.
func (l *Ledger) HasOnly(index Sight, set string, p *Plan) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.folded == 0 || p.folded != l.folded.when { // another plan has been made since
		return false
	}
	l.lookLocked(index, set)
	settled := len(l.objects)
	steps := map[manifest.ID]struct{}{}
	for i := range p.Steps {
		steps[p.Steps[i].ID] = struct{}{}
	}
	for id := range l.view.unsettled {
		if _, ok := steps[id]; !ok {
			return false
		}
		if _, noted := l.objects[id]; noted {
			settled--
		}
	}
	for id, when := range l.struck { // it may have been one of the same ones
		if _, ok := steps[id]; !ok && when > p.folded {
			return false
		}
	}
	for id := range steps {
		_, noted := l.objects[id]
		_, unsettled := l.view.unsettled[id]
		if noted && !unsettled {
			settled--
		}
	}
	return settled == len(p.Same)
}
