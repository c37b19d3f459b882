package deploy

import (
	"fmt"
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

// A plan warns of what it does, not of what it leaves as it is, and refuses nothing.
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
			t.Errorf("it is refused:\n%s", got)
		}
	}
	if o := p.Outline(report.Door{}); len(o.Warnings) != 3 || o.Warnings[0].File != "a.yaml" || o.Warnings[0].Line != 3 || o.Refused {
		t.Errorf("as data: %+v", o.Warnings)
	}
}

// A deploy tells what its plan has not told, once, and its record has all.
func TestDeploysTellNewWarnings(t *testing.T) {
	w := &applying{target: &target{}, run: newRun("shop", 1), warned: warned{shown: manifest.Problems{warningOf("a", "in the plan")}}}
	for i := range maxRecorded + 10 {
		w.warned.all = append(w.warned.all, warningOf("a", fmt.Sprintf("later\nline %03d", i)))
		w.warned.keys = append(w.warned.keys, "/ConfigMap/shop/a")
	}
	w.warned.all, w.warned.keys = append(w.warned.all, warningOf("a", "in the plan")), append(w.warned.keys, "/ConfigMap/shop/a")
	w.tellWarnings()
	once := string(w.run.Log())
	w.tellWarnings()
	if got := string(w.run.Log()); got != once || strings.Contains(got, "in the plan") || strings.Count(got, "line 000") != 1 {
		t.Errorf("the deploy says\n%.500s", got)
	}
	recorded := w.recordedWarnings()
	if len(recorded) != maxRecorded || recorded[0].Text != "in the plan" || recorded[0].File != "a.yaml" || recorded[0].Line != 3 {
		t.Errorf("%d are recorded, the first is %+v", len(recorded), recorded[0])
	}
	if got := recorded[1].String(); !strings.HasPrefix(got, "a.yaml:3: ") || strings.Contains(got, "\n") || strings.Contains(got, `\n`) {
		t.Errorf("%q", got)
	}
}
