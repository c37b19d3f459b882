package deploy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// Fight is what is known of an object that drifts again and again.
type Fight struct {
	Times int           // how often it was looked at, this time included
	Next  time.Duration // how long the next look would wait; 0 while there is patience
	Calm  time.Time     // when it is over, if nothing happens until then

	with     string   // the other side
	pointers []string // to what is fought over
}

// Look has one object of an app compared with the cluster, and corrected if
// the app's settings say so. However large the app is, it costs a look at that
// object. An unknown app is ignored.
func (e *Engine) Look(name string, id manifest.ID, fight Fight) {
	a := e.app(name)
	if a == nil {
		return
	}
	a.queue.addLook(id, fight)
	a.engine.bell.ring()
}

// Postpone says that an object which has drifted again is not looked at before a while.
// It waits for nothing, since a watch calls it.
func (e *Engine) Postpone(name string, id manifest.ID, fight Fight) {
	a := e.app(name)
	if a == nil {
		return
	}
	a.mu.Lock()
	if a.fights == nil {
		a.fights = map[manifest.ID]Fight{}
	}
	if old, known := a.fights[id]; known {
		fight.with, fight.pointers = old.with, old.pointers
	}
	a.fights[id] = fight
	a.mu.Unlock()
	go a.tellStanding()
}

// only is the target with those of its objects alone that are to be looked at.
func (t *target) only(looks map[manifest.ID]Fight) *target {
	names := map[string]bool{}
	for id := range looks {
		names[id.Kind+"/"+id.Name] = true
	}
	part := *t
	part.Objects = nil
	for _, o := range t.Objects {
		if names[o.GetKind()+"/"+o.GetName()] {
			part.Objects = append(part.Objects, o)
		}
	}
	return &part
}

// looked keeps of the objects that have a looked-at one's name those that are
// looked at: the others are of other groups or namespaces.
func looked(objects []plan.Placed, looks map[manifest.ID]Fight) []plan.Placed {
	return slices.DeleteFunc(objects, func(o plan.Placed) bool {
		_, meant := looks[o.Key]
		return !meant
	})
}

// left are the differences that a check has found and leaves alone, as the
// drift setting has it, or while the app is suspended. It returns those that
// are news.
func (a *app) leave(todo *plan.Plan) []plan.Step {
	found := map[manifest.ID]plan.Step{}
	for _, step := range todo.Changes() {
		found[step.ID] = step
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var news []plan.Step
	for id, step := range found {
		if old, known := a.drift[id]; !known || old.Entry.Fingerprint != step.Entry.Fingerprint || old.Action != step.Action {
			news = append(news, step)
		}
	}
	if !todo.Partial {
		a.drift = found
		return sorted(news)
	}
	a.forgetDriftLocked(todo)
	if a.drift == nil {
		a.drift = map[manifest.ID]plan.Step{}
	}
	maps.Copy(a.drift, found)
	return sorted(news)
}

func sorted(steps []plan.Step) []plan.Step {
	slices.SortFunc(steps, func(x, y plan.Step) int {
		if x.ID.Less(y.ID) {
			return -1
		}
		return 1
	})
	return steps
}

func (a *app) hasDrift(id manifest.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.drift[id]
	return ok
}

// settledAgain forgets a difference that somebody else has taken back.
func (a *app) settledAgain(id manifest.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.drift, id)
}

// clearDrift forgets the differences of what a plan was about.
func (a *app) clearDrift(plan *plan.Plan) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !plan.Partial {
		a.drift = nil
	}
	a.forgetDriftLocked(plan)
}

// forgetDriftLocked forgets the differences of a plan's objects.
func (a *app) forgetDriftLocked(plan *plan.Plan) {
	if len(a.drift) > 0 {
		plan.IDs(func(id manifest.ID) bool { delete(a.drift, id); return true })
	}
}

// remark notes on whom an object is fought over with, and tells how to end it.
func (a *app) remark(run *Run, step plan.Step, fight Fight) {
	if fight.Next == 0 {
		return
	}
	fight.with, fight.pointers = cmp.Or(step.Culprit.String(), "somebody who deletes it"), step.Pointers
	a.mu.Lock()
	if a.fights == nil {
		a.fights = map[manifest.ID]Fight{}
	}
	a.fights[step.ID] = fight
	a.mu.Unlock()
	run.Printf("  fighting    %s  with %s, %d times; next in %s at the soonest", step.ID, fight.with, fight.Times, fight.Next)
	if line := ignoreLine(step.ID, step.Pointers); line != "" {
		run.Printf("hint: to leave it to them, add to the app in pushboat.yaml:\nhint:   ignore: [%s]", line)
	}
}

// ignoreLine is what pushboat.yaml has to say for fields to be left alone; ""
// if there are none to name.
func ignoreLine(id manifest.ID, pointers []string) string {
	if len(pointers) == 0 {
		return ""
	}
	quoted := make([]string, len(pointers))
	for i, pointer := range pointers {
		quoted[i] = fmt.Sprintf("%q", pointer)
	}
	return fmt.Sprintf("{kind: %s, name: %q, pointers: [%s]}", id.Kind, id.Name, strings.Join(quoted, ", "))
}

// fighting lists the objects that are fought over, and forgets those that have
// been calm.
func (a *app) fighting() map[manifest.ID]Fight {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.fights, func(_ manifest.ID, f Fight) bool { return time.Now().After(f.Calm) })
	return maps.Clone(a.fights)
}
