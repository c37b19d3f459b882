package deploy

import (
	"maps"
	"sync"

	"github.com/pushboat/pushboat/internal/manifest"
)

// trouble is why an app's last check could not be done. The zero value is none. No other
// lock is taken under its lock.
type trouble struct {
	mu  sync.Mutex
	why string               // "" for no trouble
	of  map[manifest.ID]bool // the objects of the looks that could not be done; empty: the whole app
}

// reason is why the last check could not be done; "" if it could.
func (t *trouble) reason() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.why
}

// set notes why a check of the whole app could not be done; "" if it could.
func (t *trouble) set(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.why, t.of = why, nil
}

// note notes why objects could not be checked; nil stands for the whole app. The trouble
// of the whole app does not shrink to that of a look.
func (t *trouble) note(of map[manifest.ID]bool, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if whole := t.why != "" && len(t.of) == 0; whole || of == nil {
		t.why, t.of = why, nil
		return
	}
	all := maps.Clone(of)
	maps.Copy(all, t.of)
	t.why, t.of = why, all
}

// end notes that objects have been checked; nil stands for the whole app. The trouble of
// looks ends when all of their objects have been looked at, that of the whole app with a
// check of all of it.
func (t *trouble) end(checked map[manifest.ID]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if checked != nil && len(t.of) == 0 {
		return
	}
	if t.of = untroubled(t.of, checked); len(t.of) == 0 {
		t.why = ""
	}
}

// untroubled returns the objects still in trouble after some were compared; nil stands
// for all objects of the app.
func untroubled(troubled, compared map[manifest.ID]bool) map[manifest.ID]bool {
	left := map[manifest.ID]bool{}
	for id := range troubled {
		if compared != nil && !compared[id] {
			left[id] = true
		}
	}
	return left
}

// setOfLooks are the objects that a job looks at; nil if it is about the whole app.
func setOfLooks(j *job) map[manifest.ID]bool {
	if j.kind != lookJob {
		return nil
	}
	ids := make(map[manifest.ID]bool, len(j.looks))
	for id := range j.looks {
		ids[id] = true
	}
	return ids
}
