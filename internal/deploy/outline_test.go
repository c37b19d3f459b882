package deploy

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// outlined is a change with a step of each kind.
func outlined(problems ...manifest.Problem) *Proposal {
	id := func(kind, name string) manifest.ID { return manifest.ID{Kind: kind, Namespace: "shop", Name: name} }
	todo := &plan.Plan{
		App: "shop", Cluster: "default", RunsHooks: true,
		Steps: []plan.Step{
			{ID: id("ConfigMap", "new"), Action: record.Create},
			{ID: id("Deployment", "web"), Action: record.Configure, Changes: []manifest.Change{
				{Path: "spec.replicas", Before: "1", After: "2", Kind: manifest.Changed},
				{Path: "metadata.labels.a", Before: "```", Kind: manifest.Removed},
				{Path: "metadata.labels.b", After: "x", Kind: manifest.Added},
			}},
			{ID: id("ConfigMap", "same"), Action: record.Unchanged},
			{ID: id("ConfigMap", "left"), Action: record.Unchanged, Left: true, Note: "left alone"},
		},
		Prune: []plan.Step{{ID: id("Service", "old"), Action: record.Delete}},
	}
	return &Proposal{Plans: []*plan.Plan{todo}, Problems: problems, targets: []*target{{}, {}}}
}

func TestOutlineNamesWhatChanges(t *testing.T) {
	var got report.Outline
	var text strings.Builder
	if err := outlined().Write(&text, report.JSON, report.Door{}); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text.String()), &got); err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, step := range got.Plans[0].Steps {
		actions = append(actions, step.Action+" "+step.Name)
	}
	if is, want := strings.Join(actions, ", "), "create new, change web, delete old, leave left"; is != want {
		t.Errorf("steps are %s, want %s", is, want)
	}
	if c := got.Plans[0].Counts; c.Create != 1 || c.Change != 1 || c.Delete != 1 || c.Unchanged != 2 {
		t.Errorf("counts are %+v", c)
	}
	if got.Same != 1 || got.Refused || !got.Changes() {
		t.Errorf("%+v", got)
	}
}

func TestOutlineOfNothing(t *testing.T) {
	p := &Proposal{Plans: []*plan.Plan{{App: "shop", Steps: []plan.Step{{Action: record.Unchanged, Left: true, Note: "kept"}}}}}
	if p.Outline(report.Door{}).Changes() {
		t.Error("an object that is left alone counts as a change")
	}
	var text strings.Builder
	if err := p.Write(&text, report.Markdown, report.Door{}); err != nil || !strings.HasPrefix(text.String(), "**Pushboat: nothing changes**\n") {
		t.Errorf("%v: %s", err, text.String())
	}
}

func TestOutlineHasWhatBecomesOfGeneratedValues(t *testing.T) {
	todo := &plan.Plan{App: "shop", Generated: []plan.Fate{{Path: "auth.password", Is: fateKept}, {Path: "auth.key", Is: fateNew}}}
	want := []report.OutlinedValue{{Path: "auth.password", Is: "kept"}, {Path: "auth.key", Is: "new"}}
	if got := report.OutlinePlan(todo).Generated; !slices.Equal(got, want) {
		t.Error(got)
	}
	var text strings.Builder
	report.WritePlan(&text, todo)
	if !strings.Contains(text.String(), "\n  values generated once: auth.password kept, auth.key new\n") {
		t.Error(text.String())
	}
}

func TestOutlineInMarkdown(t *testing.T) {
	var text strings.Builder
	problem := manifest.Problem{Source: manifest.Source{File: "a.yaml", Line: 3}, Message: "it is wrong", Hint: "right it"}
	if err := outlined(problem).Write(&text, report.Markdown, report.Door{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"**Pushboat would refuse this: 1 problem**\n",
		"```text\nerror: a.yaml:3:\n  it is wrong\nhint: right it\n```\n",
		"<summary>shop on cluster default: 1 to create, 1 to change, 1 to delete, 2 unchanged</summary>\n\n````diff\n",
		"+ create ConfigMap shop/new\n! change Deployment shop/web\n    spec.replicas: 1 -> 2\n",
		"    metadata.labels.a: ``` removed\n    metadata.labels.b: x\n",
		"- delete Service shop/old\n# leave ConfigMap shop/left  (left alone)\n````\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
}
