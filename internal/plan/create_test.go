package plan

import (
	"testing"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

// TestObjectsOfANewNamespace: if the namespace comes with the push, its objects are not
// looked for, and the cluster is asked for the namespace once.
func TestObjectsOfANewNamespace(t *testing.T) {
	w := newWorld(t)
	w.emptied()
	w.With.Namespaces["shop"] = true
	w.api.faults["ConfigMap shop/b"] = "is wrong"
	plan, problems := w.planned(config("a", "1"), config("b", "1"))
	wantProblems(t, problems, "is wrong")
	wantTold(t, plan, "created ConfigMap shop/a", "created ConfigMap shop/b")
	wantAsked(t, w, "look for Namespace shop", "rehearse ConfigMap shop/a", "rehearse ConfigMap shop/b")
}

func TestNamespacesThatAreNotNew(t *testing.T) {
	tried := []string{"look for Namespace shop", "try ConfigMap shop/a"}
	for name, test := range map[string]struct {
		change func(w *world)
		asked  []string
	}{
		"it exists":         {func(w *world) { w.With.Namespaces["shop"] = true }, tried},
		"it is ours":        {func(w *world) { w.deployed(namespaceText("shop")); w.With.Namespaces["shop"] = true }, []string{"try ConfigMap shop/a"}},
		"it does not come":  {func(*world) {}, []string{"try ConfigMap shop/a"}},
		"it cannot be told": {func(w *world) { w.With.Namespaces["shop"] = true; w.api.refuses[tried[0]] = []error{kubetest.Down} }, tried},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.change(w)
			plan, problems := w.planned(config("a", "1"))
			wantProblems(t, problems)
			if got := told(plan)[0]; got != "created ConfigMap shop/a" {
				t.Errorf("the plan is %q", got)
			}
			wantAsked(t, w, test.asked...)
		})
	}
}

// TestMissingNamespace: the object's namespace does not exist, or is being deleted.
func TestMissingNamespace(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(w *world)
		want     string
		dying    bool
		problems []string
	}{
		"nobody makes it": {change: (*world).emptied, want: "unchanged ConfigMap shop/a", problems: []string{"not found"}},
		"an unread file may make it": {
			change: func(w *world) { w.emptied(); w.With.Unread = true }, want: "created ConfigMap shop/a",
		},
		"an unread file may make it, and it is wrong": {
			change: func(w *world) { w.emptied(); w.With.Unread = true; w.api.faults["ConfigMap shop/a"] = "is wrong" },
			want:   "created ConfigMap shop/a", problems: []string{"is wrong"},
		},
		"it is being deleted, and made anew": {
			change: func(w *world) { w.ending(); w.With.Namespaces["shop"] = true },
			want:   "created ConfigMap shop/a: its namespace is being deleted", dying: true,
		},
		"it is there, and the object is refused": {
			change: func(w *world) {
				w.With.Namespaces["shop"] = true
				w.api.refuses["try ConfigMap shop/a"], w.api.refuses["apply ConfigMap shop/a"] = []error{kubetest.Refused}, []error{kubetest.Refused}
			},
			want: "unchanged ConfigMap shop/a", problems: []string{"refused"},
		},
		"it is being deleted": {change: (*world).ending, want: "unchanged ConfigMap shop/a", problems: []string{"is being terminated"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.change(w)
			plan, problems := w.planned(config("a", "1"))
			wantTold(t, plan, test.want)
			wantProblems(t, problems, test.problems...)
			if plan.Steps[0].Dying != test.dying {
				t.Errorf("the step waits for an end: %v", plan.Steps[0].Dying)
			}
		})
	}
}

// ending makes the API server refuse a new ConfigMap because its namespace is being
// deleted.
func (w *world) ending() {
	id := manifesttest.ConfigMap("a")
	w.api.refuses["try "+id.String()], w.api.refuses["apply "+id.String()] = []error{kubetest.Ends(id)}, []error{kubetest.Ends(id)}
}

// TestRunningObjectOfAnEndingNamespace: a running object has a namespace, so a refusal of
// its apply is a problem.
func TestRunningObjectOfAnEndingNamespace(t *testing.T) {
	for _, refusal := range []error{kubetest.Ends(manifesttest.ConfigMap("a")), kubetest.NoNamespace("shop")} {
		w := newWorld(t)
		w.deployed(config("a", "1"))
		w.With.Namespaces["shop"] = true
		w.api.refuses["apply ConfigMap shop/a"] = []error{refusal}
		plan, problems := w.planned(config("a", "2"))
		wantTold(t, plan, "unchanged ConfigMap shop/a")
		wantProblems(t, problems, refusal.Error())
	}
}
