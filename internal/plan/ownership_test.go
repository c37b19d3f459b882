package plan

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

// TestFieldsOfOthers: other managers have changed or added fields of an object of the app.
func TestFieldsOfOthers(t *testing.T) {
	for name, test := range map[string]struct {
		manager string // the manager that has added the key "extra", or changed "value", which is ours
		edit    func(u *unstructured.Unstructured)
		depth   Depth    // an object of the same revision is looked at only in this depth, unless it has drifted
		written []string // annotations
		plan    string
		changes []string
		drifted []string // the pointers
		culprit string
	}{
		"a hand has changed a value": {
			manager: "kubectl-edit", edit: setData("value", "2"),
			plan: "configured", changes: []string{"data.value"}, drifted: []string{"/data/value"}, culprit: "kubectl-edit",
		},
		"a controller has changed a value": {
			manager: "operator", edit: setData("value", "2"),
			plan: "configured", changes: []string{"data.value"}, drifted: []string{"/data/value"}, culprit: "operator",
		},
		"a hand has added a value": {
			manager: "kubectl-edit", edit: setData("extra", "2"),
			plan: "configured", changes: []string{"data.extra"}, drifted: []string{"/data/extra"}, culprit: "kubectl-edit",
		},
		"a hand has added a value where hands may": {
			manager: "kubectl-edit", edit: setData("extra", "2"), written: []string{merges}, plan: "unchanged",
		},
		"a controller has added a value": {
			manager: "operator", edit: setData("extra", "2"), depth: ByTrial, plan: "unchanged",
		},
		"a hand has removed a value": {
			manager: "kubectl-edit", edit: func(u *unstructured.Unstructured) { delete(u.Object, "data") },
			plan: "configured", changes: []string{"data.value"}, // managedFields does not name who removed a field
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.deployed(config("a", "1", test.written...))
			w.edited(manifesttest.ConfigMap("a"), test.manager, test.edit)
			w.Depth = test.depth
			plan, problems := w.planned(config("a", "1", test.written...))
			wantProblems(t, problems)
			wantTold(t, plan, test.plan+" ConfigMap shop/a")
			step := plan.Steps[0]
			if got := changed(step); !slices.Equal(got, test.changes) {
				t.Errorf("the step changes %q, want %q", got, test.changes)
			}
			if !slices.Equal(step.Pointers, test.drifted) || step.Culprit.Manager != test.culprit {
				t.Errorf("drifted are %q by %q, want %q by %q", step.Pointers, step.Culprit.Manager, test.drifted, test.culprit)
			}
		})
	}
}

// TestLooseObjectWithoutDifferenceIsConfigured: an object without the app's label, or
// without fields of Pushboat's, is applied even if it does not differ.
func TestLooseObjectWithoutDifferenceIsConfigured(t *testing.T) {
	w := newWorld(t)
	w.runs("helm", config("a", "1"))
	plan, _ := w.planned(config("a", "1"))
	wantTold(t, plan, "configured ConfigMap shop/a: was not managed, taken over")
	if len(changed(plan.Steps[0])) > 0 {
		t.Errorf("the step changes %q", changed(plan.Steps[0]))
	}

	w.deployed(config("b", "1"))
	w.api.running[manifesttest.ConfigMap("b")].SetManagedFields(nil)
	w.index.Note(w.api.store(w.api.running[manifesttest.ConfigMap("b")]))
	plan, _ = w.planned(config("b", "1"))
	wantTold(t, plan, "configured ConfigMap shop/b")
}

// TestUnshownDifferencesAreApplied: kubectl's copy of an object is not shown as a change,
// and is still written.
func TestUnshownDifferencesAreApplied(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("a", "1", "a: b"))
	w.Depth = ByTrial
	w.api.fills = func(u *unstructured.Unstructured) {
		u.SetAnnotations(map[string]string{"a": "b", "kubectl.kubernetes.io/last-applied-configuration": "x"})
	}
	plan, _ := w.planned(config("a", "1", "a: b"))
	wantTold(t, plan, "configured ConfigMap shop/a")
	if len(changed(plan.Steps[0])) > 0 {
		t.Errorf("the step changes %q", changed(plan.Steps[0]))
	}
}

// TestFillInsAreNoDifference: a value that the API server adds to every apply is no
// difference, and a value that it would add only now is one.
func TestFillInsAreNoDifference(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("a", "1"))
	w.Depth = ByTrial
	w.api.fills = setData("added", "by a webhook")
	plan, _ := w.planned(config("a", "1"))
	wantTold(t, plan, "configured ConfigMap shop/a")
	if got := changed(plan.Steps[0]); !slices.Equal(got, []string{"data.added"}) {
		t.Errorf("the step changes %q", got)
	}
}

// TestFieldsAreLeftToAppliers: a field that another applier has taken is left to it.
func TestFieldsAreLeftToAppliers(t *testing.T) {
	for name, test := range map[string]struct {
		manager string
		depth   Depth
		yields  bool
		plan    string
	}{
		"an applier":               {manager: "flux", yields: true, plan: "unchanged ConfigMap shop/a: /data/value is left to the applier flux"},
		"an applier, and by force": {manager: "flux", depth: ByForce, plan: "configured ConfigMap shop/a"},
		"a hand that applies":      {manager: "kubectl", plan: "configured ConfigMap shop/a"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.deployed(config("a", "1"))
			taken := parsed(t, config("a", "2"))[0]
			taken.SetNamespace("shop")
			w.applied(test.manager, taken.Unstructured)
			w.Depth = test.depth
			plan, problems := w.planned(config("a", "1"))
			wantProblems(t, problems)
			wantTold(t, plan, test.plan)
			if plan.Steps[0].Yields != test.yields {
				t.Errorf("the step yields: %v", plan.Steps[0].Yields)
			}
			if left := plan.LeftAlone(); len(left) > 0 != test.yields {
				t.Errorf("the objects that are left alone are %v", left)
			}
		})
	}
}

// TestAppliersOfATakenOverObjectYield: an applier that had the object before the app has
// taken no field from the app.
func TestAppliersOfATakenOverObjectYield(t *testing.T) {
	w := newWorld(t)
	before := parsed(t, config("a", "2"))[0]
	before.SetNamespace("shop")
	w.applied("flux", before.Unstructured)
	plan, _ := w.planned(config("a", "1"))
	wantTold(t, plan, "configured ConfigMap shop/a: was not managed, taken over")
	labelled(w.api.running[manifesttest.ConfigMap("a")], SetID("shop"))
	plan, _ = w.planned(config("a", "1"))
	wantTold(t, plan, "configured ConfigMap shop/a") // the object has our label, and none of our fields
}

// TestAppliersOfAHandedOverObjectYield: fields that an applier has taken from the former
// app become this app's.
func TestAppliersOfAHandedOverObjectYield(t *testing.T) {
	w := newWorld(t)
	w.deployedBy("blog", "shop", config("a", "1"))
	taken := parsed(t, config("a", "2"))[0]
	taken.SetNamespace("shop")
	w.applied("flux", taken.Unstructured)
	plan, _ := w.planned(config("a", "1"))
	wantTold(t, plan, "configured ConfigMap shop/a: moved from app blog")
}

func TestErrorsAfterAFieldIsLeft(t *testing.T) {
	for name, test := range map[string]struct {
		err      error
		problems []string
	}{
		"refused":   {kubetest.Refused, []string{"refused"}},
		"no answer": {kubetest.Down, nil},
	} {
		w := newWorld(t)
		w.deployed(config("a", "1"))
		taken := parsed(t, config("a", "2"))[0]
		taken.SetNamespace("shop")
		w.applied("flux", taken.Unstructured)
		w.api.refuses["apply ConfigMap shop/a"] = []error{nil, test.err}
		objects, _ := w.resolved(config("a", "1"))
		_, problems, err := w.Plan(t.Context(), objects)
		if len(test.problems) == 0 && err == nil {
			t.Errorf("%s: no error", name)
		}
		wantProblems(t, problems, test.problems...)
	}
}

// TestDefaultsOfRemovedFieldsReturn: a field that was added by hand may have hidden a
// default, so the API server is asked for the object without it. If it refuses, the apply
// reports the refusal.
func TestDefaultsOfRemovedFieldsReturn(t *testing.T) {
	for name, test := range map[string]struct {
		answer error
		fails  bool
	}{
		"answered":  {nil, false},
		"refused":   {kubetest.Refused, false},
		"no answer": {kubetest.Down, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.deployed(config("a", "1"))
			w.edited(manifesttest.ConfigMap("a"), "kubectl-edit", setData("extra", "2"))
			if test.answer != nil {
				w.api.refuses["replace ConfigMap shop/a"] = []error{test.answer}
			}
			objects, _ := w.resolved(config("a", "1"))
			plan, problems, err := w.Plan(t.Context(), objects)
			if test.fails {
				if err == nil {
					t.Error("no error")
				}
				return
			}
			wantProblems(t, problems)
			wantTold(t, plan, "configured ConfigMap shop/a")
			wantAsked(t, w, "apply ConfigMap shop/a", "get ConfigMap shop/a", "replace ConfigMap shop/a")
			if got := changed(plan.Steps[0]); !slices.Equal(got, []string{"data.extra"}) {
				t.Errorf("the step changes %q", got)
			}
		})
	}
}

// TestIgnoredFields: fields that pushboat.yaml leaves to others are neither corrected nor
// removed. A field that is still the app's keeps its value.
func TestIgnoredFields(t *testing.T) {
	ignore := []appfile.Ignore{{Kind: "ConfigMap", Pointers: []string{"/data/value", "/data/extra"}}}
	for name, test := range map[string]struct {
		edit func(w *world)
		data map[string]any // the data that the plan would apply
		plan string
	}{
		"it is ours still":     {func(*world) {}, map[string]any{"value": "1", "other": "x"}, "configured"},
		"a hand has set it":    {func(w *world) { w.edited(manifesttest.ConfigMap("a"), "kubectl-edit", setData("value", "2")) }, map[string]any{"other": "x"}, "configured"},
		"a hand has added one": {func(w *world) { w.edited(manifesttest.ConfigMap("a"), "kubectl-edit", setData("extra", "2")) }, map[string]any{"value": "1", "other": "x"}, "configured"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.deployed(config("a", "1"))
			test.edit(w)
			w.Target.Spec.Ignore = ignore
			objects, _ := w.resolved(config("a", "3") + "  other: x\n")
			plan, problems, err := w.Plan(t.Context(), objects)
			if err != nil {
				t.Fatal(err)
			}
			wantProblems(t, problems)
			if value, found, _ := unstructured.NestedString(objects[0].Object.Object, "data", "value"); found {
				t.Errorf("the revision's object still has the value %q", value)
			}
			wantTold(t, plan, test.plan+" ConfigMap shop/a")
			if got := changed(plan.Steps[0]); !slices.Equal(got, []string{"data.other"}) {
				t.Errorf("the step changes %q", got)
			}
			got, _, _ := unstructured.NestedMap(plan.Steps[0].Object.Object, "data")
			if len(got) != len(test.data) || got["value"] != test.data["value"] || got["other"] != "x" {
				t.Errorf("the step would apply %v, want %v", got, test.data)
			}
		})
	}
}

// TestIgnoredFieldsOfNewObjects: an object that is created has ignored fields as they are
// written.
func TestIgnoredFieldsOfNewObjects(t *testing.T) {
	w := newWorld(t)
	w.Target.Spec.Ignore = []appfile.Ignore{{Kind: "ConfigMap", Pointers: []string{"/data/value"}}}
	plan, problems := w.planned(config("a", "1"))
	wantProblems(t, problems)
	wantTold(t, plan, "created ConfigMap shop/a")
	wantAsked(t, w, "try ConfigMap shop/a")
	if value, _, _ := unstructured.NestedString(plan.Steps[0].Object.Object, "data", "value"); value != "1" {
		t.Errorf("the object is created with the value %q", value)
	}
}

func TestCovered(t *testing.T) {
	ignored := []string{"/data/a", "/spec", "/webhooks/*/caBundle"}
	for pointer, want := range map[string]bool{
		"/data/a": true, "/data/a/b": true, "/data/ab": false, "/data": false, "/spec": true, "/spec/x/y": true, "": false,
		"/webhooks/3/caBundle": true, "/webhooks/3/name": false,
	} {
		if got := covered(ignored, pointer); got != want {
			t.Errorf("%q is covered: %v", pointer, got)
		}
	}
}

// TestPlansMaskSecrets: new values of Secrets and concealed fields are not shown.
func TestPlansMaskSecrets(t *testing.T) {
	w := newWorld(t)
	secret := func(value string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: " + value + "}\n"
	}
	w.deployed(secret("first-password"))
	plan, _ := w.planned(secret("second-password"))
	if len(plan.Steps[0].Changes) == 0 {
		t.Fatal("nothing changes")
	}
	for _, change := range plan.Steps[0].Changes {
		if change.Before != "(secret)" || change.After != "(secret)" {
			t.Errorf("the plan shows %+v", change)
		}
	}
	if noted, _ := w.Ledger.Of(webSecret); noted.Digest[:7] != "sealed " {
		t.Errorf("noted is the bare digest %q", noted.Digest)
	}
}
