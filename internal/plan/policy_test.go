package plan

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

func TestLeftAs(t *testing.T) {
	const alone, once = "left as it is: not to be reconciled", "left as it is: only made if it is not there"
	for name, test := range map[string]struct {
		wanted, running manifest.Policies
		runs            bool
		want            string
	}{
		"nothing is asked for":                  {0, 0, true, ""},
		"frozen by the revision":                {manifest.Frozen, 0, true, alone},
		"frozen by the revision, and not there": {manifest.Frozen, 0, false, alone},
		"frozen on the cluster":                 {0, manifest.Frozen, true, alone},
		"frozen, and only to be made":           {manifest.Frozen | manifest.IfNotPresent, 0, true, alone},
		"only to be made, and there":            {manifest.IfNotPresent, 0, true, once},
		"only to be made":                       {manifest.IfNotPresent, 0, false, ""},
		"frozen, but not there":                 {0, manifest.Frozen, false, ""},
		"only to be made, says what runs":       {0, manifest.IfNotPresent, true, ""},
		"another policy":                        {manifest.Force, manifest.Replace, true, ""},
	} {
		if got := LeftAs(test.wanted, live.Entry{Policies: test.running}, test.runs); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestPoliciesOfAPlan checks how the annotations of other tools change the plan of an
// object.
func TestPoliciesOfAPlan(t *testing.T) {
	const alone, once = ": left as it is: not to be reconciled", ": left as it is: only made if it is not there"
	for name, test := range map[string]struct {
		running []string // annotations of the object that the app has deployed; nil for none
		loose   bool     // the object has no label
		written []string
		value   string // the written value; "1" runs
		want    string
	}{
		"frozen in the revision":                   {[]string{"a: b"}, false, []string{frozen}, "2", "unchanged ConfigMap shop/a" + alone},
		"frozen in the revision, and not there":    {nil, false, []string{frozen}, "2", "unchanged ConfigMap shop/a" + alone},
		"frozen as it runs":                        {[]string{frozen}, false, nil, "2", "unchanged ConfigMap shop/a" + alone},
		"frozen as it runs, and not ours":          {[]string{frozen}, true, nil, "2", "unchanged ConfigMap shop/a" + alone},
		"frozen, and as it is":                     {[]string{frozen}, false, []string{frozen}, "1", "unchanged ConfigMap shop/a" + alone},
		"made if it is not there, and it is there": {[]string{ifNotPresent}, false, []string{ifNotPresent}, "2", "unchanged ConfigMap shop/a" + once},
		"made if it is not there, and not ours":    {[]string{"a: b"}, true, []string{ifNotPresent}, "2", "unchanged ConfigMap shop/a" + once},
		"made if it is not there, and it is not":   {nil, false, []string{ifNotPresent}, "2", "created ConfigMap shop/a"},
		"replaced":                                 {[]string{replaces}, false, []string{replaces}, "2", "configured ConfigMap shop/a"},
		"replaced, and not there":                  {nil, false, []string{replaces}, "2", "created ConfigMap shop/a"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			switch {
			case test.loose:
				w.runs("helm", config("a", "1", test.running...))
			case test.running != nil:
				w.deployed(config("a", "1", test.running...))
			}
			plan, problems := w.planned(config("a", test.value, test.written...))
			wantProblems(t, problems)
			wantTold(t, plan, test.want)
			step := plan.Steps[0]
			if left := strings.Contains(test.want, ": left"); step.Left != left || len(plan.LeftAlone()) > 0 != left {
				t.Errorf("the object is left: %v", step.Left)
			}
			if runs := test.running != nil; (step.Entry.UID != "") != runs && !test.loose {
				t.Errorf("the step's running object is %+v", step.Entry)
			}
		})
	}
}

// TestReplacedObjectsLoseFieldsOfOthers: an object with Replace=true is written as a whole.
func TestReplacedObjectsLoseFieldsOfOthers(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("a", "1", replaces))
	w.edited(manifesttest.ConfigMap("a"), "operator", setData("extra", "2"))
	plan, problems := w.planned(config("a", "2", replaces))
	wantProblems(t, problems)
	wantTold(t, plan, "configured ConfigMap shop/a")
	if got := changed(plan.Steps[0]); len(got) != 2 || got[0] != "data.extra" || got[1] != "data.value" {
		t.Errorf("the step changes %q", got)
	}
	wantAsked(t, w, "get ConfigMap shop/a", "replace ConfigMap shop/a")
}

// TestRefusedObjectsToReplace: an object that does not run cannot be replaced.
func TestRefusedObjectsToReplace(t *testing.T) {
	w := newWorld(t)
	w.api.refuses["try ConfigMap shop/a"], w.api.refuses["apply ConfigMap shop/a"] = []error{kubetest.Refused}, []error{kubetest.Refused}
	_, problems := w.planned(config("a", "1", replaces))
	wantProblems(t, problems, "refused")
}

// TestMisreadPolicies: an annotation without a valid value is a problem of the app.
func TestMisreadPolicies(t *testing.T) {
	w := newWorld(t)
	_, problems := w.resolved(config("a", "1", "argocd.argoproj.io/sync-options: Prune=no"), config("b", "1", "argocd.argoproj.io/sync-options: Prune=no", "argocd.argoproj.io/hook: Skip"))
	wantProblems(t, problems, "has no value", "has no value")
	for i, object := range []string{"ConfigMap shop/a", "ConfigMap shop/b"} {
		if problems[i].App != "shop" || problems[i].Object != object {
			t.Errorf("the problem is that of %q of app %q", problems[i].Object, problems[i].App)
		}
	}
}

func TestLeftAloneAreYieldsWithoutChange(t *testing.T) {
	plan := &Plan{Steps: []Step{
		{ID: manifesttest.ConfigMap("left"), Action: "unchanged", Left: true},
		{ID: manifesttest.ConfigMap("yields"), Action: "unchanged", Yields: true},
		{ID: manifesttest.ConfigMap("changes"), Action: "configured", Yields: true},
		{ID: manifesttest.ConfigMap("stays"), Action: "unchanged"},
	}}
	var names string
	for _, step := range plan.LeftAlone() {
		names += step.ID.Name + " "
	}
	if names != "left yields " {
		t.Errorf("the objects that are left alone are %q", names)
	}
}
