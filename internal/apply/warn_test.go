package apply

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

// TestDeploysTellNewWarnings: a deploy reports once the warnings that its plan has not
// reported. Its record has all of them.
func TestDeploysTellNewWarnings(t *testing.T) {
	warning := func(text string) manifest.Problem {
		return manifest.Problem{Source: manifest.Source{File: "a.yaml", Line: 3}, App: "shop", Object: "ConfigMap shop/a", Message: text}
	}
	log := &testLog{}
	w := &Work{Order: Order{Log: log}, warned: warned{shown: manifest.Problems{warning("in the plan")}}}
	for i := range maxRecorded + 10 {
		w.warned.all = append(w.warned.all, warning(fmt.Sprintf("later\nline %03d", i)))
		w.warned.keys = append(w.warned.keys, "/ConfigMap/shop/a")
	}
	w.warned.all, w.warned.keys = append(w.warned.all, warning("in the plan")), append(w.warned.keys, "/ConfigMap/shop/a")
	w.TellWarnings()
	once := log.String()
	w.TellWarnings()
	if got := log.String(); got != once || strings.Contains(got, "in the plan") || strings.Count(got, "line 000") != 1 {
		t.Errorf("the deploy says\n%.500s", got)
	}
	recorded := w.Warnings()
	if again := w.Warnings(); !slices.Equal(again, recorded) {
		t.Errorf("%d warnings are recorded, and then %d", len(recorded), len(again))
	}
	if len(recorded) != maxRecorded || recorded[0].Text != "in the plan" || recorded[0].File != "a.yaml" || recorded[0].Line != 3 {
		t.Errorf("%d warnings are recorded, the first is %+v", len(recorded), recorded[0])
	}
	if got := recorded[1].String(); !strings.HasPrefix(got, "a.yaml:3: ") || strings.Contains(got, "\n") || strings.Contains(got, `\n`) {
		t.Errorf("%q", got)
	}
}

// TestHeardWarnings: the same warning from the plan and from the apply counts once, and a
// correction notes none.
func TestHeardWarnings(t *testing.T) {
	warning := func(text string) manifest.Problem {
		return manifest.Problem{App: "shop", Object: "ConfigMap shop/a", Message: text}
	}
	for name, test := range map[string]struct {
		planned  manifest.Problems
		heard    string // the apply's warning; "" for none
		corrects bool
		want     string
	}{
		"none":                {nil, "", false, ""},
		"of the plan":         {manifest.Problems{warning("planned")}, "", false, "planned"},
		"of the apply":        {nil, "applied", false, "applied"},
		"of both":             {manifest.Problems{warning("planned")}, "applied", false, "planned, applied"},
		"the same of both":    {manifest.Problems{warning("same")}, "same", false, "same"},
		"with a hidden value": {nil, "value s3cret", false, "value ***"},
		"of a correction":     {manifest.Problems{warning("planned")}, "applied", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.hides("s3cret")
			w.order.Corrects = test.corrects
			step := w.step(config("a", "1"))
			step.Warned = test.planned
			var heard manifest.Problems
			if test.heard != "" {
				heard = manifest.Problems{{Message: test.heard}}
			}
			work := w.work()
			work.hear(step, heard)
			var texts []string
			for i, problem := range work.warned.all {
				if problem.App != "shop" || problem.Object != "ConfigMap shop/a" || work.warned.keys[i] != "/ConfigMap/shop/a" {
					t.Errorf("the warning is of %s, %s, %s", problem.App, problem.Object, work.warned.keys[i])
				}
				texts = append(texts, problem.Message)
			}
			if got := strings.Join(texts, ", "); got != test.want {
				t.Errorf("the warnings are %q, want %q", got, test.want)
			}
			if len(step.Warned) != len(test.planned) {
				t.Error("the plan's step has got more warnings")
			}
		})
	}
}

func TestWarningsThatThePusherHasSeenAreNotTold(t *testing.T) {
	w := newWorld(t)
	seen := manifest.Problem{App: "shop", Object: "ConfigMap shop/a", Message: "seen"}
	w.order.Told = manifest.Problems{seen}
	work := w.work()
	step := w.step(config("a", "1"))
	step.Warned = manifest.Problems{seen}
	work.hear(step, manifest.Problems{{Message: "z"}, {Message: "b"}})
	work.TellWarnings()
	w.wantLog("warning: b", "warning: z")
}
