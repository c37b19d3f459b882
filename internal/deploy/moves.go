package deploy

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// heir returns the other app that by now wants an object of this one, or "".
// Such an object is never deleted, whatever was planned before.
func (w *applying) heir(id manifest.ID) string {
	return w.app.engine.claims.Heir(w.app.name, w.cluster.Kube.Name(), id)
}

// waiting lists the objects that still have this app's label, and that another
// app wants and has not applied yet. None of them is the plan's.
func (w *applying) waiting() []plan.Step {
	var steps []plan.Step
	for _, entry := range w.cluster.Index.Beyond(w.app.set, w.plan.IDs) {
		if heir := w.heir(entry.ID); heir != "" && !entry.Terminating {
			steps = append(steps, plan.Step{ID: entry.ID, Other: heir})
		}
	}
	plan.SortSteps(steps)
	return steps
}

// allTakenOver is an error if the app is to go and has objects that another one
// has not taken over yet. It stays until they are: if the other app gives them
// up before it has them, they are still this one's to delete.
func (w *applying) allTakenOver() error {
	if !w.target.Gone {
		return nil
	}
	waiting := w.waiting()
	if len(waiting) == 0 {
		return nil
	}
	return fmt.Errorf("%s is still to be taken over by app %s", waiting[0].ID, waiting[0].Other)
}

// hurryFormer has the apps that objects were taken over from looked at, if they
// wait for that to be able to go.
func (w *applying) hurryFormer() {
	former := map[string]bool{}
	for _, step := range w.plan.Steps {
		if step.Other != "" {
			former[step.Other] = true
		}
	}
	for name := range former {
		a := w.app.engine.app(name)
		if a == nil {
			continue
		}
		if t := a.wanted(); t != nil && t.Gone && !a.removed() {
			w.app.engine.Check(name, record.CauseRetry)
		}
	}
}
