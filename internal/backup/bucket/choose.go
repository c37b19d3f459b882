package bucket

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Chain returns the backups that one needs, of those in its folder: a full one, those
// that go on from it, itself at the end. If one is missing, ok is false, and the chain
// begins with the one that goes on from it.
func Chain(objects []Object, last Object) (chain []Object, ok bool) {
	for at := last; ; {
		chain = append(chain, at)
		i := slices.IndexFunc(objects, func(o Object) bool { return o.ID == at.Since && o.Folder == at.Folder })
		if at.Since == "" || i < 0 || objects[i].ID >= at.ID { // no backup goes on from a later one
			slices.Reverse(chain)
			return chain, at.Since == ""
		}
		at = objects[i]
	}
}

// Moment says which of several backups is wanted.
type Moment struct {
	ID    string
	UpTo  time.Time // the newest that was begun until then; zero: of all
	After time.Time // the oldest since then, or else the newest; zero: UpTo counts
}

// maxAhead is how far the clock of a server may be ahead of the one that restores.
const maxAhead = time.Hour

// Choose returns the chain of the backup that is wanted, see Chain. The names in a bucket are
// what its writers say: a backup of the future is taken only by its ID, or one of the year
// 2099 would be the newest until then.
func Choose(objects []Object, wanted Moment, now time.Time) ([]Object, error) {
	objects = sorted(objects)
	if wanted.ID == "" {
		all := objects
		objects = until(all, now.Add(maxAhead))
		if len(objects) == 0 && len(all) > 0 {
			return nil, &FutureError{First: all[0].ID, Now: now}
		}
	}
	if err := oneFolder(objects); err != nil && wanted.ID == "" { // of an ID there is one
		return nil, err
	}
	i := wanted.find(objects)
	if i < 0 {
		return nil, missing(objects, wanted)
	}
	chain, ok := Chain(objects, objects[i])
	if !ok {
		return nil, &IncompleteError{Wanted: objects[i].ID, Missing: chain[0].Since, Instead: newestWhole(objects)}
	}
	return chain, nil
}

// until are the objects of until a time.
func until(objects []Object, late time.Time) []Object {
	return slices.DeleteFunc(slices.Clone(objects), func(o Object) bool { return o.Made().After(late) })
}

// find returns the index of the object that is wanted; -1 if there is none.
func (m Moment) find(objects []Object) int {
	last := len(objects) - 1
	switch {
	case m.ID != "":
		return slices.IndexFunc(objects, func(o Object) bool { return o.ID == m.ID })
	case !m.After.IsZero():
		if i := slices.IndexFunc(objects, func(o Object) bool { return !o.Made().Before(m.After) }); i >= 0 {
			return i
		}
	case !m.UpTo.IsZero():
		for last >= 0 && objects[last].Made().After(m.UpTo) {
			last--
		}
	}
	return last
}

// oneFolder refuses backups of several servers, for the caller has to name one.
func oneFolder(objects []Object) error {
	folders := []string{}
	for _, o := range objects {
		if !slices.Contains(folders, o.Folder) {
			folders = append(folders, o.Folder)
		}
	}
	if len(folders) > 1 {
		const shown = 10
		return &SeveralError{folders[:min(len(folders), shown)]}
	}
	return nil
}

// missing is the error of a backup that is not there.
func missing(objects []Object, wanted Moment) error {
	switch {
	case len(objects) == 0:
		return errors.New("there is no backup")
	case wanted.ID != "":
		return fmt.Errorf("there is no backup %s; the newest is %s", wanted.ID, objects[len(objects)-1].ID)
	}
	return fmt.Errorf("there is no backup of until %s; the oldest is %s", wanted.UpTo.UTC().Format(time.RFC3339), objects[0].ID)
}

// newestWhole is the newest backup whose predecessors are all there; "" if there is
// none.
func newestWhole(objects []Object) string {
	for _, o := range slices.Backward(objects) {
		if _, ok := Chain(objects, o); ok {
			return o.ID
		}
	}
	return ""
}

// SeveralError says that the folder has backups of several servers.
type SeveralError struct{ Folders []string }

// Error implements error.
func (e *SeveralError) Error() string {
	return fmt.Sprintf("backups of %d servers are there: name the folder of one", len(e.Folders))
}

// FutureError says that all backups are of later than now.
type FutureError struct {
	First string // the ID of the oldest
	Now   time.Time
}

// Error implements error.
func (e *FutureError) Error() string {
	return fmt.Sprintf("the oldest backup is %s, and this machine's clock says %s", e.First, e.Now.UTC().Format(time.RFC3339))
}

// Hint is the next thing to try.
func (e *FutureError) Hint() string {
	return "set the clock; or name the backup that you trust, such as @" + e.First
}

// IncompleteError is of a backup that needs one which is not there.
type IncompleteError struct{ Wanted, Missing, Instead string }

// Error implements error.
func (e *IncompleteError) Error() string {
	return fmt.Sprintf("backup %s needs backup %s, which is not there", e.Wanted, e.Missing)
}

// Hint is the next thing to try.
func (e *IncompleteError) Hint() string {
	if e.Instead == "" {
		return "no backup that is there can be restored"
	}
	return "the newest that can be restored is @" + e.Instead
}
