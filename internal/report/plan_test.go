package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

func TestPlanPrint(t *testing.T) {
	todo := planOf(2, manifesttest.ConfigMap("gone"))
	todo.Steps = append(todo.Steps,
		plan.Step{ID: manifesttest.ConfigMap("new"), Action: record.Create},
		plan.Step{ID: manifesttest.ConfigMap("moved"), Action: record.Configure, Note: "moved from app web"},
		plan.Step{ID: manifesttest.ConfigMap("edited"), Action: record.Configure, Changes: []manifest.Change{
			{Path: "data.a", Before: "1", After: "2", Kind: manifest.Changed},
			{Path: "data.b", After: "3", Kind: manifest.Added},
			{Path: "data.c", Before: "4", Kind: manifest.Removed},
		}},
	)
	var out strings.Builder
	WritePlan(&out, todo)
	want := `shop: plan for cluster default, aaaaaaa
  + ConfigMap shop/new
  ~ ConfigMap shop/moved  (moved from app web)
  ~ ConfigMap shop/edited
      data.a
        1 -> 2
      data.b
        added: 3
      data.c
        removed: 4
  - ConfigMap shop/gone
  signs: + create, ~ change, - delete
  1 to create, 2 to change, 1 to delete, 2 unchanged
`
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
}

func TestPlanPrintIsBounded(t *testing.T) {
	todo := planOf(0)
	for _, id := range manifesttest.ConfigMaps(maxPlanObjects + 7) {
		todo.Steps = append(todo.Steps, plan.Step{ID: id, Action: record.Create})
	}
	var out strings.Builder
	WritePlan(&out, todo)
	if lines := strings.Count(out.String(), "\n"); lines != maxPlanObjects+4 {
		t.Errorf("the plan has %d lines", lines)
	}
	if !strings.Contains(out.String(), "... and 7 more") {
		t.Errorf("the plan does not say how much it leaves out:\n%s", out.String())
	}
}

func TestLegendNamesTheSignsThatAreUsed(t *testing.T) {
	var steps []plan.Step
	for _, m := range meanings {
		if signs[m.action] == "" || m.action == record.Hook {
			continue
		}
		steps = append(steps, plan.Step{ID: manifesttest.ConfigMap("x"), Action: m.action})
	}
	if got, want := legend(steps, true), "signs: + create, ~ change, ! delete and make again, - delete, = leave as it is, < hand over, > run"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := legend(nil, false); got != "" {
		t.Errorf("a plan without signs explains %q", got)
	}
}

// written returns a plan as the pusher sees it.
func written(p *plan.Plan) string {
	var out strings.Builder
	WritePlan(&out, p)
	return out.String()
}

func hooks(n int) []plan.Step {
	steps := make([]plan.Step, n)
	for i := range steps {
		steps[i] = plan.Step{ID: manifesttest.ConfigMap(fmt.Sprint("h", i)), Policy: manifest.Policy{Phase: manifest.PostSync}}
	}
	return steps
}

func TestPlanTellsWhatElseHappens(t *testing.T) {
	first := "shop: plan for cluster default, aaaaaaa\n"
	for name, test := range map[string]struct {
		change func(p *plan.Plan)
		want   string
	}{
		"nothing": {func(*plan.Plan) {}, "  nothing to do\n"},
		"hooks alone": {
			func(p *plan.Plan) { p.Hooks, p.RunsHooks = hooks(1), true },
			"  > ConfigMap shop/h0  (hook: PostSync)\n  signs: > run\n  nothing to apply, 1 hook\n",
		},
		"hooks and a change": {
			func(p *plan.Plan) {
				p.Hooks, p.RunsHooks = hooks(2), true
				p.Steps = []plan.Step{{ID: manifesttest.ConfigMap("a"), Action: record.Create}}
			},
			"  + ConfigMap shop/a\n  > ConfigMap shop/h0  (hook: PostSync)\n  > ConfigMap shop/h1  (hook: PostSync)\n" +
				"  signs: + create, > run\n  1 to create, 2 hooks\n",
		},
		"an object is made again": {
			func(p *plan.Plan) {
				p.Steps = []plan.Step{{ID: manifesttest.ConfigMap("a"), Action: record.Recreate, Note: "moved from app web"}}
			},
			"  ! ConfigMap shop/a  (deleted and made again)\n  signs: ! delete and make again\n  1 to change\n",
		},
		"an object is left": {
			func(p *plan.Plan) {
				p.Steps = []plan.Step{{ID: manifesttest.ConfigMap("a"), Action: record.Unchanged, Left: true, Note: "left alone"}}
			},
			"  = ConfigMap shop/a  (left alone)\n  signs: = leave as it is\n  1 unchanged\n",
		},
		"a deletion goes on": {
			func(p *plan.Plan) { p.Dying = []plan.Step{{ID: manifesttest.ConfigMap("a"), Note: "is being deleted"}} },
			"  - ConfigMap shop/a  (is being deleted)\n  nothing to do\n",
		},
		"an object is handed over": {
			func(p *plan.Plan) {
				p.Moved = []plan.Step{{ID: manifesttest.ConfigMap("a"), Action: record.Hand, Other: "web", Note: "moves to app web"}}
			},
			"  < ConfigMap shop/a  (moves to app web)\n  signs: < hand over\n  1 to move\n",
		},
		"the app is renamed": {
			func(p *plan.Plan) {
				p.Gone = true
				p.Moved = []plan.Step{{ID: manifesttest.ConfigMap("a"), Action: record.Hand, Other: "web"}, {ID: manifesttest.ConfigMap("b"), Action: record.Hand, Other: "web"}}
			},
			"  renamed to web, which takes over all it has (2 objects)\n",
		},
		"the app leaves, and its objects stay": {
			func(p *plan.Plan) { p.Kept = 2 },
			"  no longer in pushboat.yaml; 2 objects stay on the cluster (prune: false)\n  nothing to do\n",
		},
		"an app of another tool leaves, and its objects stay": {
			func(p *plan.Plan) {
				p.Kept, p.Target = 1, &plan.Target{Gone: true, Meant: true, Stays: "deletionPolicy: Orphan"}
			},
			"  no longer in the repository; 1 object stays on the cluster (deletionPolicy: Orphan)\n  nothing to do\n",
		},
		"a value is generated": {
			func(p *plan.Plan) {
				p.Generated = []plan.Fate{{Path: "auth.key", Is: "new"}, {Path: "auth\x1b", Is: "kept"}}
			},
			"  values generated once: auth.key new, auth\\x1b kept\n  nothing to do\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := planOf(0)
			test.change(p)
			if got := written(p); got != first+test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, first+test.want)
			}
		})
	}
}

func TestPlanPrintBoundsFieldsAndHooks(t *testing.T) {
	p := planOf(0)
	p.Steps = []plan.Step{{ID: manifesttest.ConfigMap("wide"), Action: record.Configure, Changes: make([]manifest.Change, maxPlanFields+5)}}
	p.Hooks, p.RunsHooks = hooks(maxPlanObjects+3), true
	got := written(p)
	for _, want := range []string{"\n      ... and 5 more fields\n", "\n  ... and 3 more hooks\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "(hook: "); n != maxPlanObjects {
		t.Errorf("%d hooks are shown", n)
	}
}

func TestManyMovesAreOneLine(t *testing.T) {
	move := func(object string, other name.App) plan.Step {
		return plan.Step{ID: manifesttest.ConfigMap(object), Action: record.Configure, Other: other, Note: "moved from app " + string(other)}
	}
	p := planOf(0)
	for _, id := range manifesttest.ConfigMaps(maxMoves + 1) {
		p.Steps = append(p.Steps, move(id.Name, "shop"))
	}
	changed := move("changed", "shop")
	changed.Changes = []manifest.Change{{Path: "data.colour", Kind: manifest.Added, After: "red"}}
	p.Steps = append(p.Steps, changed)
	for _, id := range manifesttest.ConfigMaps(maxMoves) {
		p.Steps = append(p.Steps, move(id.Name, "web"))
	}
	got := written(p)
	want := `
  ~ ConfigMap shop/changed  (moved from app shop)
      data.colour
        added: red
  ~ ConfigMap shop/c0  (moved from app web)
`
	if !strings.Contains(got, want) || !strings.Contains(got, "\n  ~ 11 objects  (moved from app shop)\n  signs: ~ change\n  22 to change\n") {
		t.Errorf("got:\n%s", got)
	}
	if n := strings.Count(got, "11 objects"); n != 1 {
		t.Errorf("the many moves have %d lines", n)
	}
	if n := strings.Count(got, "moved from app web"); n != maxMoves {
		t.Errorf("%d of the few moves have a line", n)
	}
}

func TestFatesAreBounded(t *testing.T) {
	fates := make([]plan.Fate, maxFates+2)
	for i := range fates {
		fates[i] = plan.Fate{Path: "p", Is: "kept"}
	}
	if got := fatesText(fates); strings.Count(got, "p kept") != maxFates || !strings.HasSuffix(got, ", and 2 more") {
		t.Errorf("got %q", got)
	}
	if got := fatesText(fates[:maxFates]); strings.Contains(got, "more") {
		t.Errorf("got %q", got)
	}
}

func TestAppsThatComeAreNamed(t *testing.T) {
	names := slices.Repeat([]name.App{"a"}, maxNames+2)
	for want, names := range map[string][]name.App{
		"":                     nil,
		"1 app added: a\n":     {"a"},
		"2 apps added: a, b\n": {"a", "b"},
		"10 apps added: a, a, a, a, a, a, a, a, a, a\n":            names[:maxNames],
		"12 apps added: a, a, a, a, a, a, a, a, a, a and 2 more\n": names,
	} {
		var out strings.Builder
		if WriteApps(&out, "added", names); out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	}
}
