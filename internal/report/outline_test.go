package report

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// everything is a plan with a step of each kind.
func everything() *plan.Plan {
	return &plan.Plan{
		App: "shop", Cluster: "default", RunsHooks: true,
		Steps: []plan.Step{
			{ID: manifest.ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, Action: record.Configure, Changes: []manifest.Change{
				{Path: "spec.replicas", Before: "1", After: "2", Kind: manifest.Changed},
			}},
			{ID: manifesttest.ConfigMap("new"), Action: record.Create},
			{ID: manifesttest.ConfigMap("forced"), Action: record.Recreate},
			{ID: manifesttest.ConfigMap("same"), Action: record.Unchanged},
			{ID: manifesttest.ConfigMap("left"), Action: record.Unchanged, Left: true, Note: "left alone"},
		},
		Prune: []plan.Step{{ID: manifesttest.ConfigMap("old"), Action: record.Delete}, {ID: manifesttest.ConfigMap("kept"), Action: record.Release}},
		Moved: []plan.Step{{ID: manifesttest.ConfigMap("handed"), Action: record.Hand, Other: "store", Note: "moves to app store"}},
		Hooks: []plan.Step{{
			ID: manifest.ID{Group: "batch", Kind: "Job", Namespace: "shop", Name: "migrate"}, Action: record.Configure, Note: "hidden",
			Policy: manifest.Policy{Phase: manifest.PreSync}, Changes: []manifest.Change{{Path: "spec"}},
		}},
		Generated: []plan.Fate{{Path: "auth.key", Is: "new"}},
	}
}

func TestPlanAsData(t *testing.T) {
	got := OutlinePlan(everything())
	step := func(action, name, note string) OutlinedStep {
		return OutlinedStep{Action: action, Kind: "ConfigMap", Namespace: "shop", Name: name, Note: note}
	}
	want := OutlinedPlan{
		App: "shop", Cluster: "default",
		Counts: OutlinedCounts{Create: 1, Change: 2, Delete: 1, Release: 1, Move: 1, Unchanged: 2, Hooks: 1},
		Steps: []OutlinedStep{
			{
				Action: "change", Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web",
				Fields: []OutlinedField{{Path: "spec.replicas", Before: "1", After: "2"}},
			},
			step("create", "new", ""), step("recreate", "forced", ""), step("delete", "old", ""), step("release", "kept", ""),
			step("move", "handed", "moves to app store"), step("leave", "left", "left alone"),
			{Action: "hook", Group: "batch", Kind: "Job", Namespace: "shop", Name: "migrate", Note: "PreSync"},
		},
		Generated: []OutlinedValue{{"auth.key", "new"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%+v\nwant:\n%+v", got, want)
	}
}

func TestPlanOfAnAppThatLeavesAsData(t *testing.T) {
	if got := OutlinePlan(&plan.Plan{Gone: true}); !got.Gone || got.Steps == nil {
		t.Errorf("got %+v", got)
	}
}

func TestProblemsAsData(t *testing.T) {
	problem := manifest.Problem{
		Source: manifest.Source{File: "a.yaml", Line: 3}, App: "shop", Object: "ConfigMap shop/a", Message: "wrong", Hint: "mend it",
	}
	want := []OutlinedProblem{{File: "a.yaml", Line: 3, App: "shop", Object: "ConfigMap shop/a", Message: "wrong", Hint: "mend it"}}
	if got := OutlineProblems(manifest.Problems{problem}, Door{}); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestOutlineThatChangesSomething(t *testing.T) {
	left := OutlinedPlan{Steps: []OutlinedStep{{Action: "leave"}}}
	for name, test := range map[string]struct {
		plans []OutlinedPlan
		want  bool
	}{
		"no plan":           {nil, false},
		"an object is left": {[]OutlinedPlan{left}, false},
		"a hook runs":       {[]OutlinedPlan{left, {Steps: []OutlinedStep{{Action: "leave"}, {Action: "hook"}}}}, true},
	} {
		if got := (Outline{Plans: test.plans}).Changes(); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// inMarkdown writes an outline as a comment on a merge request.
func inMarkdown(o Outline) string {
	var text strings.Builder
	o.WriteMarkdown(&text)
	return text.String()
}

func TestMarkdownOfAPlan(t *testing.T) {
	got := inMarkdown(Outline{Plans: []OutlinedPlan{OutlinePlan(everything())}, Same: 2})
	want := "**Pushboat: what a push would change**\n" + `
<details open><summary>shop on cluster default: 1 to create, 2 to change, 1 to delete, 1 to release, 1 to move, 2 unchanged, 1 hook</summary>

` + "```diff" + `
! change Deployment shop/web
    spec.replicas: 1 -> 2
+ create ConfigMap shop/new
! recreate ConfigMap shop/forced
- delete ConfigMap shop/old
# release ConfigMap shop/kept
# move ConfigMap shop/handed  (moves to app store)
# leave ConfigMap shop/left  (left alone)
# hook Job shop/migrate  (PreSync)
` + "```" + `

</details>

2 apps unchanged
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestMarkdownOfNothing(t *testing.T) {
	if got := inMarkdown(Outline{}); got != "**Pushboat: nothing changes**\n" {
		t.Errorf("got %q", got)
	}
}

func TestMarkdownOfARefusal(t *testing.T) {
	got := inMarkdown(Outline{
		Refused: true, Same: 1,
		Problems: []OutlinedProblem{{File: "a.yaml", Line: 3, Object: "ConfigMap shop/a", Message: "wrong", Hint: "mend it"}},
		Warnings: []OutlinedProblem{{Message: "old"}},
	})
	want := "**Pushboat would refuse this: 1 problem**\n\n" +
		"```text\nerror: a.yaml:3: ConfigMap shop/a:\n  wrong\nhint: mend it\nwarning: old\n```\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestMarkdownIsBounded(t *testing.T) {
	steps := make([]OutlinedStep, maxPlanObjects+7)
	steps[0] = OutlinedStep{Action: "change", Name: "wide", Fields: make([]OutlinedField, maxPlanFields+5)}
	got := inMarkdown(Outline{Plans: []OutlinedPlan{{Steps: steps}}})
	for _, want := range []string{"\n    ... and 5 more fields\n", "\n... and 7 more\n```\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if fields, objects := strings.Count(got, "\n    : "), strings.Count(got, "\n# "); fields != maxPlanFields || objects != maxPlanObjects-1 {
		t.Errorf("%d fields and %d other objects are shown", fields, objects)
	}
}

func TestTextCannotEndItsBlock(t *testing.T) {
	for text, fence := range map[string]string{"a": "```", "``": "```", "```": "````", "`````": "``````"} {
		step := OutlinedStep{Action: "change", Kind: "ConfigMap", Name: "a", Note: text}
		got := inMarkdown(Outline{Plans: []OutlinedPlan{{Steps: []OutlinedStep{step}}}})
		if !strings.Contains(got, "\n"+fence+"diff\n") || !strings.Contains(got, "\n"+fence+"\n") {
			t.Errorf("the fence around %s is not %s:\n%s", text, fence, got)
		}
	}
}

func TestMarkdownHasNoControlCharacters(t *testing.T) {
	evil := "\x1b[31m"
	step := OutlinedStep{Action: "change", Name: evil, Note: evil, Fields: []OutlinedField{{Path: evil, Before: evil, After: evil}}}
	if got := inMarkdown(Outline{Plans: []OutlinedPlan{{Steps: []OutlinedStep{step}}}}); strings.Contains(got, "\x1b") {
		t.Errorf("got %q", got)
	}
}

func TestWordsOfAField(t *testing.T) {
	for want, field := range map[string]OutlinedField{
		"1 -> 2": {Before: "1", After: "2"}, "2": {After: "2"}, "1 removed": {Before: "1"},
	} {
		if got := field.words(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCountsOfAnOutlineInWords(t *testing.T) {
	for want, counts := range map[string]OutlinedCounts{
		"nothing to do":                  {},
		"1 hook":                         {Hooks: 1},
		"1 to create":                    {Create: 1},
		"1 to change, 3 unchanged":       {Change: 1, Unchanged: 3},
		"2 to delete, 1 to move, 1 hook": {Delete: 2, Move: 1, Hooks: 1},
		"5 to release, 12 hooks":         {Release: 5, Hooks: 12},
	} {
		if got := counts.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
