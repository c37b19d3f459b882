package plan

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/record"
)

// TestRecreate checks when an object is recreated that cannot be changed in place.
func TestRecreate(t *testing.T) {
	for name, test := range map[string]struct {
		new      bool // the object does not run
		depth    Depth
		wanted   string   // the app's accepted target
		forcing  bool     // whether that target is being deployed by force
		written  []string // the object's annotations
		runs     []string
		refuse   error
		fault    string // the problem that a rehearsal finds
		plan     string
		problems []string
	}{
		"neither asks for it":        {refuse: kubetest.Immutable(manifesttest.ConfigMap("a")), plan: "unchanged", problems: []string{"field is immutable"}},
		"the push asks for it":       {depth: ByForce, refuse: kubetest.Immutable(manifesttest.ConfigMap("a")), plan: "recreated"},
		"the push before asked":      {wanted: config("a", "2"), forcing: true, refuse: kubetest.Immutable(manifesttest.ConfigMap("a")), plan: "recreated"},
		"it asked for another":       {wanted: config("a", "3"), forcing: true, refuse: kubetest.Immutable(manifesttest.ConfigMap("a")), plan: "unchanged", problems: []string{"field is immutable"}},
		"it asked for others":        {wanted: config("b", "2"), forcing: true, refuse: kubetest.Immutable(manifesttest.ConfigMap("a")), plan: "unchanged", problems: []string{"field is immutable"}},
		"the push before forced not": {wanted: config("a", "2"), refuse: kubetest.Immutable(manifesttest.ConfigMap("a")), plan: "unchanged", problems: []string{"field is immutable"}},
		"the revision asks for it":   {written: []string{forces}, refuse: kubetest.Immutable(manifesttest.ConfigMap("a")), plan: "recreated"},
		"what runs asks for it":      {runs: []string{forces}, refuse: kubetest.Immutable(manifesttest.ConfigMap("a")), plan: "recreated"},
		"it is refused otherwise":    {depth: ByForce, refuse: kubetest.Refused, plan: "unchanged", problems: []string{"refused"}},
		"it would be refused anew":   {depth: ByForce, refuse: kubetest.Immutable(manifesttest.ConfigMap("a")), fault: "is wrong", plan: "recreated", problems: []string{"is wrong"}},
		"it is new":                  {new: true, depth: ByForce, refuse: kubetest.Immutable(manifesttest.ConfigMap("a")), plan: "unchanged", problems: []string{"field is immutable"}},
		"it is changed in its place": {depth: ByForce, plan: "configured"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if !test.new {
				w.deployed(config("a", "1", test.runs...))
			}
			w.Depth, w.Forcing = test.depth, test.forcing
			if test.wanted != "" {
				w.Wanted = &Target{Spec: w.Target.Spec, Objects: parsed(t, test.wanted), Seal: w.Target.Seal}
			}
			if test.refuse != nil {
				w.api.refuses["apply ConfigMap shop/a"], w.api.refuses["try ConfigMap shop/a"] = []error{test.refuse}, []error{test.refuse}
			}
			w.api.faults["ConfigMap shop/a"] = test.fault
			plan, problems := w.planned(config("a", "2", test.written...))
			wantProblems(t, problems, test.problems...)
			wantTold(t, plan, test.plan+" ConfigMap shop/a")
			if recreated := plan.Steps[0].Action == record.Recreate; recreated && !slices.Contains(changed(plan.Steps[0]), "data.value") {
				t.Errorf("the step changes %q", changed(plan.Steps[0]))
			}
		})
	}
}

// TestRecreateOutsideOfNamespaces: an object without a namespace cannot be rehearsed.
func TestRecreateOutsideOfNamespaces(t *testing.T) {
	w := newWorld(t)
	w.deployed(namespaceText("other"))
	w.Depth = ByForce
	w.api.refuses["apply Namespace other"] = []error{kubetest.Immutable(NamespaceID("other"))}
	w.api.asked = nil
	plan, problems := w.planned(namespaceText("other", "a: b"))
	wantProblems(t, problems)
	wantTold(t, plan, "recreated Namespace other")
	wantAsked(t, w, "apply Namespace other", "get Namespace other")
}

func TestRemakeMakesAnewOnlyWhereSomethingChanges(t *testing.T) {
	for name, test := range map[string]struct {
		remake  bool
		objects []string
		want    []string
	}{
		"nothing changes":    {true, []string{config("a", "1", remakes), config("b", "1")}, []string{"same ConfigMap shop/b", "unchanged ConfigMap shop/a"}},
		"another changes":    {true, []string{config("a", "1", remakes), config("b", "2")}, []string{"recreated ConfigMap shop/a", "configured ConfigMap shop/b"}},
		"but nobody deploys": {false, []string{config("a", "1", remakes), config("b", "2")}, []string{"unchanged ConfigMap shop/a", "configured ConfigMap shop/b"}},
		"one that is new":    {true, []string{config("a", "1", remakes), config("b", "1"), config("c", "1", remakes)}, []string{"same ConfigMap shop/b", "recreated ConfigMap shop/a", "created ConfigMap shop/c"}},
		"one that is forced": {true, []string{config("a", "1", forces), config("b", "2")}, []string{"configured ConfigMap shop/a", "configured ConfigMap shop/b"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.deployed(config("a", "1", remakes), config("b", "1"))
			w.Remake = test.remake
			w.Target.Places = PlacesAfter(nil, PlaceRule{})
			w.planned(test.objects...)
			plan := w.again()
			wantTold(t, plan, test.want...)
			for _, step := range plan.Steps {
				if step.Action == record.Recreate && step.Written {
					t.Errorf("%s would be made as it is written", step.ID)
				}
			}
		})
	}
}

// TestRemakeOfWhatHasEnded: an object that is recreated at each deploy is made again even
// after its end. An object that is left alone is not.
func TestRemakeOfWhatHasEnded(t *testing.T) {
	policy := manifest.Policy{Policies: manifest.Force | manifest.Replace}
	plan := &Plan{Steps: []Step{
		{ID: manifesttest.ConfigMap("ended"), Action: record.Unchanged, Policy: policy, Ended: true, Note: "done, and deleted since"},
		{ID: manifesttest.ConfigMap("left"), Action: record.Unchanged, Policy: policy, Left: true, Entry: live.Entry{UID: "u"}},
		{ID: manifesttest.ConfigMap("dying"), Action: record.Create, Policy: policy, Entry: live.Entry{UID: "u"}},
		{ID: manifesttest.ConfigMap("nowhere"), Action: record.Unchanged, Policy: policy},
	}}
	plan.remake(nil)
	wantTold(t, plan, "created ConfigMap shop/ended", "unchanged ConfigMap shop/left", "created ConfigMap shop/dying", "unchanged ConfigMap shop/nowhere")
	if plan.Steps[0].Ended {
		t.Error("the step to make the object again counts as ended")
	}
}
