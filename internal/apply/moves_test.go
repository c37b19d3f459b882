package apply

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// TestObjectsThatAnotherAppIsToTake: such objects have the app's label, are not in the
// plan, and are not being deleted.
func TestObjectsThatAnotherAppIsToTake(t *testing.T) {
	w := newWorld(t)
	for _, text := range []string{deployment("c"), config("b", "1"), config("a", "1"), config("mine", "1"), config("planned", "1"), config("dying", "1"), job("taken")} {
		w.runs(text) // one by one: a small map iterates in the order of insertion
	}
	for _, id := range []manifest.ID{deploymentID("c"), configMap("b"), configMap("a"), configMap("planned"), configMap("dying"), jobID("taken")} {
		w.others.heirs[id] = "blog"
	}
	w.edited(configMap("dying"), beginDeletion)
	w.takenBy("blog", jobID("taken"))
	w.plans(w.step(config("planned", "1")))
	var got []string
	for _, step := range w.work().waiting() {
		got = append(got, step.ID.String()+" to "+string(step.Other))
	}
	if want := []string{"ConfigMap shop/a to blog", "ConfigMap shop/b to blog", "Deployment shop/c to blog"}; !slices.Equal(got, want) {
		t.Errorf("the objects are %q, want %q", got, want)
	}
}

// TestRemovedAppStaysUntilItsObjectsAreTaken: if the other app gives the objects up before
// it has taken them, the removed app still has to delete them.
func TestRemovedAppStaysUntilItsObjectsAreTaken(t *testing.T) {
	for name, test := range map[string]struct {
		gone, taken bool
		want        string
	}{
		"still to be taken":         {true, false, "ConfigMap shop/a is still to be taken over by app blog"},
		"taken":                     {true, true, ""},
		"the app is not to be gone": {false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.api.parent = ourParent()
			w.runs(config("a", "1"), config("b", "1"))
			w.others.heirs[configMap("a")], w.others.heirs[configMap("b")] = "blog", "blog"
			if test.taken {
				w.takenBy("blog", configMap("a"))
				w.takenBy("blog", configMap("b"))
			}
			w.order.Target.Gone = test.gone
			w.order.Plan.Moved = []plan.Step{{ID: configMap("a"), Other: "blog"}}
			wantError(t, w.work().Prune(), test.want)
			if kept := w.api.parent.Exists(); kept != (test.want != "" || !test.gone) {
				t.Errorf("the inventory is kept: %v", kept)
			}
		})
	}
}

func TestFormerOwnersAreToldOnceEach(t *testing.T) {
	w := newWorld(t)
	steps := w.steps(config("a", "1"), config("b", "1"), config("c", "1"), config("d", "1"))
	steps[0].Other, steps[1].Other, steps[2].Other = "blog", "web", "blog"
	w.plans(steps...)
	wantError(t, w.work().Apply(), "")
	if slices.Sort(w.others.told); !slices.Equal(w.others.told, []string{"blog", "web"}) {
		t.Errorf("the apps that were told are %q", w.others.told)
	}
}

func TestFormerOwnersAreNotToldOfWhatFailed(t *testing.T) {
	w := newWorld(t)
	step := w.step(config("a", "1"))
	step.Other = "blog"
	w.plans(step)
	w.api.refuse("apply ConfigMap shop/a", kubetest.Refused)
	wantError(t, w.work().Apply(), "refused")
	if len(w.others.told) > 0 {
		t.Errorf("the apps that were told are %q", w.others.told)
	}
}
