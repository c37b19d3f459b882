package deploy

import (
	"maps"
	"slices"
	"sync"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// drifts are the differences of an app that a check has found and leaves alone, because
// of the drift setting, or while the app is suspended. The zero value has none. No
// other lock is taken under its lock.
type drifts struct {
	mu    sync.Mutex
	steps map[manifest.ID]plan.Step // that would take the differences back
}

// note notes the differences that a plan would revert, in place of earlier notes about
// the plan's objects. It returns the new ones, sorted.
func (d *drifts) note(todo *plan.Plan) []plan.Step {
	found := map[manifest.ID]plan.Step{}
	for _, step := range todo.Changes() {
		found[step.ID] = step
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var news []plan.Step
	for id, step := range found {
		if old, known := d.steps[id]; !known || old.Entry.Fingerprint != step.Entry.Fingerprint || old.Action != step.Action {
			news = append(news, step)
		}
	}
	d.clearLocked(todo)
	if d.steps == nil {
		d.steps = map[manifest.ID]plan.Step{}
	}
	maps.Copy(d.steps, found)
	slices.SortFunc(news, func(x, y plan.Step) int { return x.ID.Compare(y.ID) })
	return news
}

// clear forgets the differences of a plan's objects, and of all objects unless the plan
// is about some of them.
func (d *drifts) clear(of *plan.Plan) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clearLocked(of)
}

func (d *drifts) clearLocked(of *plan.Plan) {
	if !of.Partial {
		d.steps = nil
	}
	if len(d.steps) > 0 {
		of.IDs(func(id manifest.ID) bool { delete(d.steps, id); return true })
	}
}

// forget forgets the difference of an object, and reports whether there was one.
func (d *drifts) forget(id manifest.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.steps[id]
	delete(d.steps, id)
	return ok
}

// has reports whether a difference of the object is left alone.
func (d *drifts) has(id manifest.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.steps[id]
	return ok
}

// all returns, by object, the steps that would take the differences back.
func (d *drifts) all() map[manifest.ID]plan.Step {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.steps)
}
