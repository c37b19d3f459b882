package apply

import (
	"context"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// added adds a field to a running ConfigMap in the name of a manager.
func (w *world) added(name, manager, key string) {
	w.t.Helper()
	u := w.api.look(configMap(name))
	_ = unstructured.SetNestedField(u.Object, "added", "data", key)
	if _, err := w.api.update(u, manager); err != nil {
		w.t.Fatal(err)
	}
}

// wantData checks the keys of a running ConfigMap.
func (w *world) wantData(name string, want ...string) {
	w.t.Helper()
	data, _, _ := unstructured.NestedMap(w.api.look(configMap(name)).Object, "data")
	for _, key := range want {
		if _, ok := data[key]; !ok {
			w.t.Errorf("the ConfigMap has no %s: %v", key, data)
		}
	}
	if len(data) != len(want) {
		w.t.Errorf("the ConfigMap has %v, want %q", data, want)
	}
}

// TestWhatHandsHaveAdded: an apply removes fields that were added by hand, unless the app
// leaves them alone.
func TestWhatHandsHaveAdded(t *testing.T) {
	for name, test := range map[string]struct {
		manager     string
		annotations []string
		ignored     []string
		keys        []string
		asked       []string
	}{
		"by hand":                  {"kubectl-edit", nil, nil, []string{"value"}, []string{"apply", "own", "apply"}},
		"by a controller":          {"controller", nil, nil, []string{"value", "more"}, []string{"apply"}},
		"by hand, to be merged":    {"kubectl-edit", []string{"kustomize.toolkit.fluxcd.io/ssa: Merge"}, nil, []string{"value", "more"}, []string{"apply"}},
		"by hand, and ignored":     {"kubectl-edit", nil, []string{"/data/more"}, []string{"value", "more"}, []string{"apply"}},
		"by hand, another ignored": {"kubectl-edit", nil, []string{"/data/other"}, []string{"value"}, []string{"apply", "own", "apply"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.runs(config("a", "1"))
			w.added("a", test.manager, "more")
			step := w.step(config("a", "2", test.annotations...))
			step.Ignored.Pointers = test.ignored
			wantError(t, w.work().applyStage([]plan.Step{step}), "")
			w.wantData("a", test.keys...)
			for i := range test.asked {
				test.asked[i] += " ConfigMap shop/a"
			}
			w.wantAsked(test.asked...)
		})
	}
}

func TestFieldsAreTakenAgainFromWhatChangedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.runs(config("a", "1"))
	w.added("a", "kubectl-edit", "more")
	w.api.answer("own ConfigMap shop/a", func() error { w.added("a", "kubectl-edit", "yet-more"); return nil })
	wantError(t, w.work().applyStage(w.steps(config("a", "2"))), "")
	w.wantData("a", "value")
	w.wantAsked("apply ConfigMap shop/a", "own ConfigMap shop/a", "get ConfigMap shop/a", "own ConfigMap shop/a", "apply ConfigMap shop/a")
}

func TestFieldsThatCannotBeTakenFailTheStep(t *testing.T) {
	for name, request := range map[string]string{
		"the owners cannot be written": "own ConfigMap shop/a", "the object cannot be read": "get ConfigMap shop/a",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.runs(config("a", "1"))
			w.added("a", "kubectl-edit", "more")
			if request != "own ConfigMap shop/a" {
				w.api.answer("own ConfigMap shop/a", func() error { return kubetest.Conflict(configMap("a")) })
			}
			w.api.refuse(request, kubetest.Refused)
			wantError(t, w.work().applyStage(w.steps(config("a", "2"))), "ConfigMap shop/a: refused")
		})
	}
}

func TestFieldsAreNotTakenWhenTheTimeIsUp(t *testing.T) {
	w := newWorld(t)
	w.runs(config("a", "1"))
	w.added("a", "kubectl-edit", "more")
	ctx, cancel := context.WithCancel(t.Context())
	w.api.answer("own ConfigMap shop/a", func() error { cancel(); return kubetest.Conflict(configMap("a")) })
	_, err := w.work().takeFromHands(ctx, w.step(config("a", "2")), w.api.look(configMap("a")))
	wantError(t, err, "has been modified")
	w.wantAsked("own ConfigMap shop/a")
}

// TestFieldsInTheWayAreClaimed: an apply removes the fields that were claimed for it.
func TestFieldsInTheWayAreClaimed(t *testing.T) {
	more := fieldpath.NewSet(fieldpath.MakePathOrDie("data", "more"))
	for name, test := range map[string]struct {
		manager string
		applies bool
		ours    bool // whether the object was the app's
		merge   bool // whether fields that were added by hand stay
		claim   *fieldpath.Set
		keys    []string
	}{
		"nothing to claim":              {"controller", false, true, false, nil, []string{"value", "more"}},
		"an empty claim":                {"controller", false, true, false, &fieldpath.Set{}, []string{"value", "more"}},
		"of a controller":               {"controller", false, true, false, more, []string{"value"}},
		"applied by another":            {"argocd-controller", true, true, false, more, []string{"value", "more"}},
		"applied by the one before":     {"argocd-controller", true, false, false, more, []string{"value"}},
		"applied by hand before":        {"kubectl", true, false, false, more, []string{"value"}},
		"applied by hand, to be merged": {"kubectl", true, false, true, more, []string{"value"}},
		"applied by somebody before":    {"terraform", true, false, false, more, []string{"value", "more"}},
		"nothing, taken over from it":   {"terraform", true, false, false, nil, []string{"value", "more"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.ours {
				w.runs(config("a", "1"))
			} else {
				w.made("controller", config("a", "1"))
			}
			if test.applies {
				u := parsed(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {more: x}")[0]
				if _, err := w.api.apply(u.Unstructured, test.manager); err != nil {
					t.Fatal(err)
				}
			} else {
				w.added("a", test.manager, "more")
			}
			step := w.step(config("a", "2"))
			step.Claim = test.claim
			if test.merge {
				step.Policy.Policies |= manifest.Merge
			}
			wantError(t, w.work().applyStage([]plan.Step{step}), "")
			w.wantData("a", test.keys...)
			if claimed := slices.Contains(w.api.asked, "own ConfigMap shop/a"); claimed && test.claim.Empty() {
				t.Error("the request claims no fields")
			}
		})
	}
}

func TestClaimThatCannotBeMadeFailsTheStep(t *testing.T) {
	for _, request := range []string{"get ConfigMap shop/a", "own ConfigMap shop/a"} {
		t.Run(request, func(t *testing.T) {
			w := newWorld(t)
			w.runs(config("a", "1"))
			step := w.step(config("a", "2"))
			step.Claim = fieldpath.NewSet(fieldpath.MakePathOrDie("data", "more"))
			w.api.refuse(request, kubetest.Refused)
			wantError(t, w.work().applyStage([]plan.Step{step}), "ConfigMap shop/a: refused")
		})
	}
}

func TestNothingIsClaimedOfAnObjectThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.runs(config("a", "1"))
	step := w.step(config("a", "2"))
	step.Claim = fieldpath.NewSet(fieldpath.MakePathOrDie("data", "more"))
	w.api.vanish(configMap("a"))
	wantError(t, w.work().applyStage([]plan.Step{step}), "")
	w.wantAsked("get ConfigMap shop/a", "apply ConfigMap shop/a")
}

// TestOtherToolsAreSucceeded: after a takeover, the object's fields belong to Pushboat
// alone, even if another tool has applied it before.
func TestOtherToolsAreSucceeded(t *testing.T) {
	for name, test := range map[string]struct {
		partOf string // the label of the running object
		action record.Action
		want   bool
	}{
		"taken over":        {"", record.Configure, true},
		"the app's already": {plan.SetID("shop"), record.Configure, false},
		"made anew":         {"", record.Create, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			u := parsed(t, config("a", "1"))[0]
			u.SetNamespace("shop")
			if _, err := w.api.apply(u.Unstructured, "argocd-controller"); err != nil {
				t.Fatal(err)
			}
			step := w.step(config("a", "1"))
			step.Entry.PartOf, step.Action = test.partOf, test.action
			wantError(t, w.work().applyStage([]plan.Step{step}), "")
			alone := true
			for _, entry := range w.api.look(configMap("a")).GetManagedFields() {
				alone = alone && entry.Manager == kube.FieldManager
			}
			if alone != test.want {
				t.Errorf("all fields are Pushboat's: %v", alone)
			}
		})
	}
}

func TestNothingIsTakenOverThatIsNotApplied(t *testing.T) {
	w := newWorld(t)
	w.made("helm", config("a", "1"))
	w.api.refuse("apply ConfigMap shop/a", kubetest.Refused)
	wantError(t, w.work().applyStage(w.steps(config("a", "1"))), "ConfigMap shop/a: refused")
	w.wantAsked("apply ConfigMap shop/a")
}

func TestTakeOverThatFailsFailsTheStep(t *testing.T) {
	w := newWorld(t)
	w.made("helm", config("a", "1"))
	w.api.refuse("succeed ConfigMap shop/a", kubetest.Refused)
	wantError(t, w.work().applyStage(w.steps(config("a", "1"))), "ConfigMap shop/a: refused")
}
