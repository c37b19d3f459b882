package plan

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
)

const (
	rolling  = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  strategy: {type: RollingUpdate}\n"
	recreate = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  strategy: {type: Recreate}\n"
)

var webDeployment = manifest.ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}

// TestHindrances: the API server refuses a Deployment's new strategy because of fields that
// it has filled in for the old one. The object is planned without these fields.
func TestHindrances(t *testing.T) {
	contradicts := kubetest.Invalid(webDeployment, "spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
	again := kubetest.Conflict(webDeployment)
	for name, test := range map[string]struct {
		refusal  error
		filler   string // the manager that has set rollingUpdate; "" for none
		ignore   string // a pointer
		loose    bool   // another tool's object, not yet the app's
		replaced []error
		reread   error
		problems []string
		fails    bool
		tries    int
	}{
		"filled in by the server":           {refusal: contradicts, filler: "kube-apiserver", tries: 1},
		"added by a hand":                   {refusal: contradicts, filler: "kubectl-edit", tries: 1},
		"of a tool that deployed it before": {refusal: contradicts, filler: "helm", loose: true, tries: 1},
		"not there":                         {refusal: contradicts, problems: []string{"may not be specified"}},
		"to be ignored":                     {refusal: contradicts, filler: "kube-apiserver", ignore: "/spec/strategy/rollingUpdate", problems: []string{"may not be specified"}},
		"refused without it":                {refusal: contradicts, filler: "kube-apiserver", replaced: []error{kubetest.Refused}, problems: []string{"may not be specified"}, tries: 1},
		"no answer":                         {refusal: contradicts, filler: "kube-apiserver", replaced: []error{kubetest.Down}, fails: true, tries: 1},
		"written to meanwhile":              {refusal: contradicts, filler: "kube-apiserver", replaced: []error{again, again, again}, tries: 4},
		"written to for ever":               {refusal: contradicts, filler: "kube-apiserver", replaced: []error{again, again, again, again}, problems: []string{"may not be specified"}, tries: 4},
		"written to, and gone":              {refusal: contradicts, filler: "kube-apiserver", replaced: []error{again}, reread: kubetest.Refused, problems: []string{"may not be specified"}, tries: 1},
		"written to, no answer":             {refusal: contradicts, filler: "kube-apiserver", replaced: []error{again}, reread: kubetest.Down, fails: true, tries: 1},
		"refused for no field":              {refusal: kubetest.Refused, filler: "kube-apiserver", problems: []string{"refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.loose {
				w.runs(test.filler, strings.Replace(rolling, "{type: RollingUpdate}", "{type: RollingUpdate, rollingUpdate: {maxSurge: 1}}", 1))
			}
			if !test.loose {
				w.hindered(test.filler)
			}
			if test.ignore != "" {
				w.Target.Spec.Ignore = []appfile.Ignore{{Kind: "Deployment", Pointers: []string{test.ignore}}}
			}
			w.api.refuses["apply Deployment shop/web"] = []error{test.refusal}
			w.api.refuses["replace Deployment shop/web"] = test.replaced
			w.api.refuses["get Deployment shop/web"] = []error{nil, test.reread}
			objects, _ := w.resolved(recreate)
			plan, problems, err := w.Plan(t.Context(), objects)
			tries := 0
			for _, request := range w.api.asked {
				if request == "replace Deployment shop/web" {
					tries++
				}
			}
			if tries != test.tries {
				t.Errorf("%d dry-runs of the object as a whole, want %d", tries, test.tries)
			}
			if test.fails {
				if !errors.Is(err, kubetest.Down) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			wantProblems(t, problems, test.problems...)
			if len(test.problems) > 0 {
				return
			}
			step := plan.Steps[0]
			if got := changed(step); !slices.Contains(got, "spec.strategy.type") || len(got) != 2 {
				t.Errorf("the step changes %q", got)
			}
			if step.Action != "configured" || step.Claim.Empty() || !slices.Contains(step.Pointers, "/spec/strategy/rollingUpdate") && !slices.Contains(step.Pointers, "/spec/strategy/rollingUpdate/maxSurge") {
				t.Errorf("the step is %s, claims %v, drifted are %q", step.Action, step.Claim, step.Pointers)
			}
			if step.Culprit.Manager != test.filler {
				t.Errorf("the culprit is %q", step.Culprit.Manager)
			}
		})
	}
}

// TestHindrancesThatComeBack: fields that the API server fills in again are claimed too,
// since it would refuse the apply otherwise.
func TestHindrancesThatComeBack(t *testing.T) {
	w := newWorld(t)
	w.hindered("kube-apiserver")
	w.api.refuses["apply Deployment shop/web"] = []error{kubetest.Invalid(webDeployment, "spec.strategy.rollingUpdate", "may not be specified")}
	w.api.fills = func(u *unstructured.Unstructured) { u.Object["spec"] = w.api.running[webDeployment].Object["spec"] }
	plan, problems := w.planned(recreate)
	wantProblems(t, problems)
	wantTold(t, plan, "configured Deployment shop/web")
}

// TestNewObjectsHaveNoHindrances: without a running object, no field can be in the way.
func TestNewObjectsHaveNoHindrances(t *testing.T) {
	w := newWorld(t)
	refusal := kubetest.Invalid(webDeployment, "spec.strategy.rollingUpdate", "may not be specified")
	w.api.refuses["try Deployment shop/web"], w.api.refuses["apply Deployment shop/web"] = []error{refusal}, []error{refusal}
	_, problems := w.planned(recreate)
	wantProblems(t, problems, "may not be specified")
}

// hindered runs a Deployment whose rollingUpdate was filled in by the given manager.
func (w *world) hindered(filler string) {
	w.deployed(rolling)
	if filler != "" {
		w.edited(webDeployment, filler, func(u *unstructured.Unstructured) {
			_ = unstructured.SetNestedField(u.Object, int64(1), "spec", "strategy", "rollingUpdate", "maxSurge")
		})
	}
}

// TestSuccession: a takeover takes the fields of the tools that had the object. On an
// object of the app's own, other appliers keep their fields.
func TestSuccession(t *testing.T) {
	p := newWorld(t).Planner
	owned := Step{}
	owned.Entry.PartOf, owned.Entry.Fingerprint = SetID("shop"), "f"
	if p.successor(owned) != nil {
		t.Error("an object of the app has a predecessor")
	}
	for name, change := range map[string]func(*Step){
		"without a label":         func(s *Step) { s.Entry.PartOf = "" },
		"without a field of ours": func(s *Step) { s.Entry.Fingerprint = "" },
	} {
		step := owned
		change(&step)
		succeeds := p.successor(step)
		if succeeds == nil || !succeeds("helm") || !succeeds("kubectl-edit") || succeeds("operator") {
			t.Errorf("%s: the app succeeds no manager, or every manager", name)
		}
	}
}
