package plan

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/record"
)

func TestWarned(t *testing.T) {
	target := &Target{Telling: func() func(string) string {
		return func(text string) string { return strings.ReplaceAll(text, "password", "…") }
	}}
	target.Spec.Name = "shop"
	warned := target.Warned(manifesttest.ConfigMap("a"), manifest.Problems{{Object: "ConfigMap a", Message: "the password is old"}})
	if got := warned[0]; got.App != "shop" || got.Object != "ConfigMap shop/a" || got.Message != "the … is old" {
		t.Errorf("warned is of %+v", got)
	}
}

// TestStepsHearWarnings: of what they do. (Which requests warn of what, is in package kube
// and in test/script.)
func TestStepsHearWarnings(t *testing.T) {
	for action, want := range map[record.Action]int{record.Create: 1, record.Hook: 1, record.Unchanged: 0} {
		step := Step{ID: manifesttest.ConfigMap("a"), Action: action}
		step.hear(&Target{}, manifest.Problems{{Message: "is old"}})
		if len(step.Warned) != want || want == 1 && step.Warned[0].Object != "ConfigMap shop/a" {
			t.Errorf("%s: warned is of %v", action, step.Warned)
		}
	}
}

func TestWarningsAreOfWhatAPlanDoes(t *testing.T) {
	warning := func(text string) manifest.Problems { return manifest.Problems{{Message: text}} }
	plan := &Plan{
		Steps: []Step{{Action: record.Create, Warned: warning("new")}, {Action: record.Unchanged, Warned: warning("old")}},
		Hooks: []Step{{Action: record.Hook, Warned: warning("hook")}},
	}
	wantProblems(t, plan.Warnings(), "new", "hook")
	if told := (*Plan)(nil).Warnings(); told != nil {
		t.Errorf("no plan warns of %v", told)
	}
}
