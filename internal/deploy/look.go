package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/report"
)

// Fight describes an object that drifts repeatedly.
type Fight struct {
	Times int           // how often it was looked at, this time included
	Next  time.Duration // how long the next look would wait; 0 while there is patience
	Calm  time.Time     // when it is over, if nothing happens until then

	with     string   // the other side
	pointers []string // to the contested fields
}

// Look has one object of an app compared with the cluster, and corrected if
// the app's settings say so. However large the app is, it costs a look at that
// object. An unknown app is ignored.
func (e *Engine) Look(app name.App, id manifest.ID, fight Fight) {
	a := e.app(app)
	if a == nil {
		return
	}
	a.queue.addLook(id, fight)
	a.engine.bell.ring(app)
}

// Postpone says that an object which has drifted again is not looked at before a while.
// It waits for nothing, since a watch calls it.
func (e *Engine) Postpone(app name.App, id manifest.ID, fight Fight) {
	a := e.app(app)
	if a == nil {
		return
	}
	a.fights.postpone(id, fight)
	e.timers.after(0, a.tellStanding)
}

// only returns the target with only the objects to look at.
func (t *target) only(looks map[manifest.ID]Fight) *target {
	names := map[string]bool{}
	for id := range looks {
		names[id.Kind+"/"+id.Name] = true
	}
	part := *t
	part.Objects, part.Special, part.Places = nil, nil, nil // those are of all its objects
	for _, o := range t.Objects {
		if names[o.GetKind()+"/"+o.GetName()] {
			part.Objects = append(part.Objects, o)
		}
	}
	return &part
}

// among keeps the objects of a look. Others of the same kind and name are of another group
// or namespace.
func among(objects []plan.Placed, looks map[manifest.ID]Fight) []plan.Placed {
	return slices.DeleteFunc(objects, func(o plan.Placed) bool {
		_, meant := looks[o.Key]
		return !meant
	})
}

// remark notes on whom an object is fought over with, and tells how to end it.
func (a *app) remark(run *Run, step plan.Step, fight Fight) {
	if fight.Next == 0 {
		return
	}
	fight.with, fight.pointers = cmp.Or(step.Culprit.String(), "somebody who deletes it"), step.Pointers
	a.fights.enter(step.ID, fight)
	run.Printf("  fighting    %s  with %s, %d times; next in %s at the soonest", step.ID, fight.with, fight.Times, fight.Next)
	if line := ignoreLine(step.ID, step.Pointers); line != "" {
		run.Printf("%s", report.Hints("to leave it to them, add to the app in pushboat.yaml:\n  ignore: ["+line+"]"))
	}
}

// ignoreLine is the line in pushboat.yaml that would leave fields alone; "" if there
// are none to name.
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
