package plan

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// Ledger is the server's memory of an app's objects: the state of each when it was last
// applied, or found right. The newest record has the ledger as it was at the record's
// end, so that the ledger outlives a restart. Under its lock, only that of a live.Index
// is taken.
type Ledger struct {
	seal func(digest string) string // keys the digests of Secrets

	mu      sync.Mutex
	objects map[manifest.ID]record.Noted
	unsaved map[manifest.ID]bool // noted otherwise, or forgotten, since the newest record
	applies int                  // how often the app was applied

	view    view // of an index
	folded  folded
	folding int                    // how many plans of all objects are being made
	strikes uint64                 // counts what strikeLocked was told, from 1
	struck  map[manifest.ID]uint64 // since folded.when: what strikes was then
}

// NewLedger returns an empty ledger. The digests of Secrets pass through seal: they are
// recorded, and readers of a record must not be able to try out values.
func NewLedger(seal func(digest string) string) *Ledger {
	return &Ledger{seal: seal, objects: map[manifest.ID]record.Noted{}, unsaved: map[manifest.ID]bool{}, strikes: 1, struck: map[manifest.ID]uint64{}}
}

// Recall adds the notes of a record. They count as saved.
func (l *Ledger) Recall(noted map[manifest.ID]record.Noted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, n := range noted {
		l.objects[id.Interned()] = n
		l.stirLocked(id)
	}
}

// Of returns how an object was last left; false if the app is not known to have it.
func (l *Ledger) Of(id manifest.ID) (record.Noted, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.objects[id]
	return n, ok
}

// Has reports whether the app is known to have an object.
func (l *Ledger) Has(id manifest.ID) bool {
	_, ok := l.Of(id)
	return ok
}

// Made reports whether Pushboat applied an object that has the app's label. Controllers copy
// labels from templates, and hands from objects: the label alone makes nothing the app's.
func (l *Ledger) Made(entry live.Entry) bool { return entry.Fingerprint != "" || l.Has(entry.ID) }

// Each passes how each object was last left, until yield is false. The lock is held
// meanwhile: yield must not come back to the ledger.
func (l *Ledger) Each(yield func(manifest.ID, record.Noted) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, n := range l.objects {
		if !yield(id, n) {
			return
		}
	}
}

// Count is the number of objects that the app is known to have.
func (l *Ledger) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.objects)
}

// Note remembers the state in which an object was found or left. Its digest is that of
// the written object.
func (l *Ledger) Note(id manifest.ID, n record.Noted) {
	n.Digest = l.sealed(id, n.Digest)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noteLocked(id, n)
}

func (l *Ledger) noteLocked(id manifest.ID, n record.Noted) {
	if old, known := l.objects[id]; !known || old != n {
		l.objects[id], l.unsaved[id] = n, true
		l.stirLocked(id)
	}
}

// NoteEnd notes how an object of the app ended, and reports whether that is news.
func (l *Ledger) NoteEnd(id manifest.ID, end health.End) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, known := l.objects[id]
	if !known || n.Ended == end {
		return false
	}
	n.Ended = end
	l.noteLocked(id, n)
	return true
}

// Forget takes an object out: the app does not have it any more.
func (l *Ledger) Forget(id manifest.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forgetLocked(id)
}

func (l *Ledger) forgetLocked(id manifest.ID) {
	if _, known := l.objects[id]; known {
		delete(l.objects, id)
		l.unsaved[id] = true
		l.stirLocked(id)
	}
}

// Retain forgets every object but the given ones, each of which is given once.
func (l *Ledger) Retain(ids iter.Seq[manifest.ID]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := 0
	for id := range ids {
		if _, ok := l.objects[id]; ok {
			known++
		}
	}
	if known == len(l.objects) {
		return // as after most deploys
	}
	keep := make(map[manifest.ID]bool, len(l.objects))
	for id := range ids {
		keep[id] = true
	}
	for id := range l.objects {
		if !keep[id] {
			l.forgetLocked(id)
		}
	}
}

// IsWritten reports whether an object was last left as written: digest is that of the
// object as written now.
func (l *Ledger) IsWritten(id manifest.ID, digest string) bool {
	n, ok := l.Of(id)
	return ok && n.Digest == l.sealed(id, digest)
}

// IsAsLeft reports whether both the written object, whose digest is given, and the
// fields that we own of the running object are as they were last left.
func (l *Ledger) IsAsLeft(digest string, running live.Entry) bool {
	n, ok := l.Of(running.ID)
	return ok && !running.Terminating &&
		n.Digest == l.sealed(running.ID, digest) && n.Fingerprint == running.Fingerprint && n.Fingerprint != ""
}

// HasEnded reports whether an object with this manifest has come to its end.
func (l *Ledger) HasEnded(id manifest.ID, digest string) bool {
	n, known := l.Of(id)
	return known && n.Ended != "" && n.Digest == l.sealed(id, digest)
}

// EndsUnsaved reports whether something came to its end since the newest record.
func (l *Ledger) EndsUnsaved() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.unsaved {
		if l.objects[id].Ended != "" {
			return true
		}
	}
	return false
}

// Exhausted lists the objects that failed for good, sorted.
func (l *Ledger) Exhausted() []manifest.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []manifest.ID
	for id, n := range l.objects {
		if n.Ended == health.Exhausted {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(x, y manifest.ID) int { return strings.Compare(x.Key(), y.Key()) })
	return ids
}

// Applied counts one more apply, which makes every plan before it stale.
func (l *Ledger) Applied() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.applies++
}

// Applies is how often the app was applied.
func (l *Ledger) Applies() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.applies
}

// Save returns all notes, and the objects whose notes differ from the newest record or
// were forgotten. From then on they count as saved.
func (l *Ledger) Save() (all map[manifest.ID]record.Noted, unsaved map[manifest.ID]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all, unsaved = maps.Clone(l.objects), l.unsaved
	l.unsaved = map[manifest.ID]bool{}
	return all, unsaved
}

// Unsave has the next record write objects that this one did not.
func (l *Ledger) Unsave(kept []record.Kept) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range kept {
		l.unsaved[k.ID] = true
	}
}

// sealed keys the digest of a Secret.
func (l *Ledger) sealed(id manifest.ID, digest string) string {
	if id.Kind != manifest.SecretKind.Kind {
		return digest
	}
	return l.seal(digest)
}
