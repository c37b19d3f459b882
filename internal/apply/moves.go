package apply

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// heir returns the other app that by now wants an object of this one, or "". Such an
// object is never deleted, whatever the plan was.
func (w *Work) heir(id manifest.ID) name.App {
	return w.App.Others.Heir(w.App.Name, w.cluster.API.Name(), id)
}

// waiting lists the objects that still have this app's label, and that another
// app wants and has not applied yet. None of them is the plan's.
func (w *Work) waiting() []plan.Step {
	if w.App.Ledger.HasOnly(w.cluster.Index, w.App.set(), w.Plan) {
		return nil // as nearly always
	}
	var steps []plan.Step
	for _, entry := range w.cluster.Index.Beyond(w.App.set(), w.Plan.IDs) {
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
func (w *Work) allTakenOver() error {
	if !w.Target.Gone {
		return nil
	}
	waiting := w.waiting()
	if len(waiting) == 0 {
		return nil
	}
	by := plan.Naming(waiting[0].Other, w.Target, &plan.Companions{}, w.App.Others)
	return fmt.Errorf("%s is still to be taken over by %s", waiting[0].ID, by)
}

// hurryFormerOwners has the apps that objects were taken over from looked at.
func (w *Work) hurryFormerOwners() {
	former := map[name.App]bool{}
	for _, step := range w.Plan.Steps {
		if step.Other != "" {
			former[step.Other] = true
		}
	}
	for app := range former {
		w.App.Others.TakenFrom(app)
	}
}
