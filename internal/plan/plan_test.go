package plan

import (
	"testing"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

func TestPlanPredicates(t *testing.T) {
	definition := manifest.ID{Group: manifest.DefinitionKind.Group, Kind: manifest.DefinitionKind.Kind, Name: "widgets.example.org"}
	for name, test := range map[string]struct {
		step                  Step
		empty, makes, defines bool
	}{
		"nothing":                 {Step{ID: manifesttest.ConfigMap("a"), Action: record.Unchanged}, true, false, false},
		"a new object":            {Step{ID: manifesttest.ConfigMap("a"), Action: record.Create}, false, false, false},
		"a changed one":           {Step{ID: manifesttest.ConfigMap("a"), Action: record.Configure}, false, false, false},
		"one made anew":           {Step{ID: manifesttest.ConfigMap("a"), Action: record.Recreate}, false, false, false},
		"a new namespace":         {Step{ID: NamespaceID("a"), Action: record.Create}, false, true, false},
		"a changed namespace":     {Step{ID: NamespaceID("a"), Action: record.Configure}, false, false, false},
		"an unchanged definition": {Step{ID: definition, Action: record.Unchanged}, true, false, false},
		"a changed definition":    {Step{ID: definition, Action: record.Configure}, false, false, true},
	} {
		plan := &Plan{Steps: []Step{test.step}}
		if plan.Empty() != test.empty || plan.HasEffect() == test.empty || plan.MakesNamespace() != test.makes || plan.Defines() != test.defines {
			t.Errorf("%s: empty %v, leaves %v, makes a namespace %v, defines %v", name, plan.Empty(), plan.HasEffect(), plan.MakesNamespace(), plan.Defines())
		}
		if changes := plan.Changes(); len(changes) > 0 == test.empty {
			t.Errorf("%s: the changes are %v", name, changes)
		}
	}
	for name, plan := range map[string]*Plan{
		"an app that goes": {Gone: true}, "an object that moves": {Moved: []Step{{}}},
		"one that is let go": {Prune: []Step{{Action: record.Release}}}, "one that is deleted": {Prune: []Step{{Action: record.Delete}}},
	} {
		if !plan.HasEffect() {
			t.Errorf("%s: the plan has no effect", name)
		}
		if want := len(plan.Prune) == 0; plan.Empty() != want {
			t.Errorf("%s: empty is %v", name, plan.Empty())
		}
	}
}

func TestCounts(t *testing.T) {
	plan := &Plan{
		Steps: []Step{{Action: record.Create}, {Action: record.Configure}, {Action: record.Recreate}, {Action: record.Unchanged}, {Action: record.Left}},
		Prune: []Step{{Action: record.Delete}, {Action: record.Release}, {Action: record.Release}},
		Moved: []Step{{Action: record.Hand}}, Same: []*Placed{{}},
	}
	if got, want := plan.Counts(), (Counts{Create: 1, Change: 2, Delete: 1, Release: 2, Move: 1, Unchanged: 2}); got != want {
		t.Errorf("the counts are %+v, want %+v", got, want)
	}
}

func TestRenamedTo(t *testing.T) {
	to := func(apps ...name.App) (moved []Step) {
		for _, app := range apps {
			moved = append(moved, Step{Other: app})
		}
		return moved
	}
	for name, test := range map[string]struct {
		plan Plan
		want name.App
	}{
		"all goes to one":      {Plan{Gone: true, Moved: to("blog", "blog")}, "blog"},
		"it goes to two":       {Plan{Gone: true, Moved: to("blog", "shop")}, ""},
		"some is deleted":      {Plan{Gone: true, Moved: to("blog"), Prune: []Step{{}}}, ""},
		"it has nothing":       {Plan{Gone: true}, ""},
		"the app itself stays": {Plan{Moved: to("blog")}, ""},
	} {
		if got := test.plan.RenamedTo(); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestOnlyMoves(t *testing.T) {
	change := []manifest.Change{{Path: "data.value"}}
	for name, test := range map[string]struct {
		step Step
		want bool
	}{
		"from another app":          {Step{Action: record.Configure, Other: "blog"}, true},
		"to another app":            {Step{Action: record.Hand, Other: "blog"}, true},
		"and changes":               {Step{Action: record.Configure, Other: "blog", Changes: change}, false},
		"from nobody":               {Step{Action: record.Configure}, false},
		"is made anew at the other": {Step{Action: record.Recreate, Other: "blog"}, false},
	} {
		if got := test.step.OnlyMoves(); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTakesOver(t *testing.T) {
	ours := live.Entry{PartOf: SetID("shop")}
	for name, test := range map[string]struct {
		step Step
		want bool
	}{
		"nobody's":   {Step{Action: record.Configure}, true},
		"some app's": {Step{Action: record.Configure, Entry: ours}, false},
		"not there":  {Step{Action: record.Create}, false},
	} {
		if got := test.step.TakesOver(); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLeaveRefused(t *testing.T) {
	plan := &Plan{
		Steps: []Step{
			{ID: manifesttest.ConfigMap("refused"), Action: record.Create, Refused: true, Dying: true, Note: "is being deleted", Entry: live.Entry{UID: "u"}},
			{ID: manifesttest.ConfigMap("fine"), Action: record.Configure},
		},
		Prune: []Step{{ID: manifesttest.ConfigMap("old"), Action: record.Delete}},
	}
	plan.LeaveRefused()
	wantTold(t, plan, "unchanged ConfigMap shop/refused: cannot be applied", "configured ConfigMap shop/fine")
	if step := plan.Steps[0]; !step.Left || step.Dying || step.Entry.UID != "u" {
		t.Errorf("the refused step is %+v", step)
	}
}

func TestLeaveDying(t *testing.T) {
	own, namespaces := Step{Action: record.Create, Dying: true, Entry: live.Entry{UID: "u"}}, Step{Action: record.Create, Dying: true}
	for name, test := range map[string]struct {
		steps       []Step
		some, again bool
	}{
		"nothing ends":                {[]Step{{Action: record.Create}}, false, false},
		"an object ends":              {[]Step{own}, true, false},
		"a namespace ends":            {[]Step{namespaces}, true, true},
		"a namespace, then an object": {[]Step{namespaces, own}, true, true},
	} {
		plan := &Plan{Steps: test.steps}
		if some, again := plan.LeaveDying(); some != test.some || again != test.again {
			t.Errorf("%s: some %v, again %v", name, some, again)
		}
		for _, step := range plan.Steps {
			if step.Dying || test.some && step.Action != record.Unchanged {
				t.Errorf("%s: the plan would do %+v", name, step)
			}
		}
	}
}

func TestSay(t *testing.T) {
	var step Step
	for _, test := range []struct{ note, want string }{{"", ""}, {"a", "a"}, {"", "a"}, {"b", "a; b"}} {
		if step.Say(test.note); step.Note != test.want {
			t.Errorf("after %q, the note is %q, want %q", test.note, step.Note, test.want)
		}
	}
}

func TestDeletion(t *testing.T) {
	for name, test := range map[string]struct {
		health health.Health
		want   string
	}{
		"it says what holds it": {health.Health{Status: health.Terminating, Message: "waits for its pods"}, "waits for its pods"},
		"it says nothing":       {health.Health{Status: health.Terminating}, "is being deleted"},
		"another message":       {health.Health{Status: health.Failed, Message: "crashes"}, "is being deleted"},
	} {
		if got := Deletion(live.Entry{Health: test.health}); got != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}
