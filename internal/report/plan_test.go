package report

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

func TestPlanPrint(t *testing.T) {
	todo := planOf(2, configMap("gone"))
	todo.Steps = append(todo.Steps,
		plan.Step{ID: configMap("new"), Action: record.Create},
		plan.Step{ID: configMap("moved"), Action: record.Configure, Note: "moved from app web"},
		plan.Step{ID: configMap("edited"), Action: record.Configure, Changes: []manifest.Change{
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
	for _, id := range configMaps(maxPlanObjects + 7) {
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

func TestPrintProblems(t *testing.T) {
	problems := manifest.Problems{
		{Message: "cluster default does not answer", Hint: "push again"},
		{Source: manifest.Source{File: "web.yaml", Line: 9}, Object: "Service shop/web", Message: "one\ntwo"},
		{Source: manifest.Source{File: "a\x1b[31m.yaml", Line: 1}, Message: "evil\x07"},
	}
	var out strings.Builder
	WriteProblems(&out, problems, Door{})
	if strings.ContainsAny(out.String(), "\x1b\x07") {
		t.Errorf("control characters reach the terminal: %q", out.String())
	}
	for _, want := range []string{
		"error: cluster default does not answer\nhint: push again\n",
		"error: web.yaml:9: Service shop/web:\n  one\n  two\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %q in:\n%s", want, out.String())
		}
	}
}

func TestOutcomeTellsWhatToDo(t *testing.T) {
	for result, next := range map[record.Result]string{
		record.Deployed:  "healthy",
		record.Unhealthy: "hint: the commit was kept; push a fix, or see: ssh HOST status shop",
		record.Failed:    "hint: the commit was kept and is tried again; push a fix, or run: ssh HOST sync shop",
	} {
		rec := record.Record{App: "shop", Number: 3, Revision: strings.Repeat("b", 40), Result: result, Message: "why"}
		text := Outcome(rec)
		if !strings.Contains(text, next) || !strings.Contains(text, "(deploy shop-3)") {
			t.Errorf("%s: %q does not say %q and its id", result, text, next)
		}
	}
}

func TestLegendNamesTheSignsThatAreUsed(t *testing.T) {
	var steps []plan.Step
	for _, m := range meanings {
		if signs[m.action] == "" || m.action == record.Hook {
			continue
		}
		steps = append(steps, plan.Step{ID: configMap("x"), Action: m.action})
	}
	if got, want := legend(steps, true), "signs: + create, ~ change, ! delete and make again, - delete, = leave as it is, < hand over, > run"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := legend(nil, false); got != "" {
		t.Errorf("a plan without signs explains %q", got)
	}
}
