package deploy

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

func warningOf(name, text string) manifest.Problem {
	return manifest.Problem{Source: manifest.Source{File: "a.yaml", Line: 3}, App: "shop", Object: "ConfigMap shop/" + name, Message: text}
}

// TestPlansWarn: a plan warns about objects that it changes, not about objects that it
// leaves as they are. A warning refuses nothing.
func TestPlansWarn(t *testing.T) {
	step := func(name string, action record.Action) plan.Step {
		id := manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: name}
		return plan.Step{ID: id, Action: action, Warned: manifest.Problems{warningOf(name, "old "+name)}}
	}
	todo := &plan.Plan{
		App: "shop", Cluster: "default", Revision: "0123456789",
		Steps: []plan.Step{step("a", record.Create), step("b", record.Configure), step("c", record.Unchanged)}, Hooks: []plan.Step{step("d", record.Hook)},
	}
	p := &Proposal{Plans: []*plan.Plan{todo}, targets: []*target{{}}}
	var text, markdown strings.Builder
	p.Print(&text, report.Door{})
	if err := p.Write(&markdown, report.Markdown, report.Door{}); err != nil {
		t.Fatal(err)
	}
	for form, got := range map[string]string{"text": text.String(), "markdown": markdown.String()} {
		for name, want := range map[string]int{"a": 1, "b": 1, "c": 0, "d": 1} {
			if n := strings.Count(got, "warning: a.yaml:3: ConfigMap shop/"+name+":\n  old "+name+"\n"); n != want {
				t.Errorf("%s: %s is warned of %d times, want %d:\n%s", form, name, n, want, got)
			}
		}
		if strings.Contains(got, "refuse") {
			t.Errorf("the change is refused:\n%s", got)
		}
	}
	if o := p.Outline(report.Door{}); len(o.Warnings) != 3 || o.Warnings[0].File != "a.yaml" || o.Warnings[0].Line != 3 || o.Refused {
		t.Errorf("as data: %+v", o.Warnings)
	}
}
