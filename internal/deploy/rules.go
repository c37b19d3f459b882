package deploy

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// ruleReader compiles the health rules of a revision's apps.
type ruleReader struct {
	compiler *health.Compiler
	told     map[manifest.Problem]bool // several apps may come from one entry
}

func newRuleReader() *ruleReader {
	return &ruleReader{compiler: health.NewCompiler(), told: map[manifest.Problem]bool{}}
}

// read compiles the rules of one app. With problems there are no rules.
func (r *ruleReader) read(spec appfile.App) (*health.Rules, manifest.Problems) {
	rules := make([]health.Rule, len(spec.Health))
	for i, h := range spec.Health {
		rules[i] = health.Rule{
			Group: h.Group, Kind: h.Kind, Suspended: h.Suspended.Text, InProgress: h.InProgress.Text,
			Failed: h.Failed.Text, Current: h.Current.Text, Ended: h.Ended.Text, Message: h.Message.Text,
		}
	}
	compiled, found := r.compiler.Compile(rules)
	var problems manifest.Problems
	for _, e := range found {
		h := spec.Health[e.Rule]
		problem := manifest.Problem{
			Source:  whereIs(h, e.Field),
			Message: fmt.Sprintf("health of %s: %s: %s", h.Kind, e.Field, e.Message),
			Hint:    e.Hint,
		}
		if !r.told[problem] {
			r.told[problem] = true
			problems = append(problems, problem)
		}
	}
	return compiled, problems
}

// whereIs returns the place of a rule's field.
func whereIs(h appfile.Health, field string) manifest.Source {
	switch field {
	case "suspended":
		return h.Suspended.Source
	case "inProgress":
		return h.InProgress.Source
	case "failed":
		return h.Failed.Source
	case "current":
		return h.Current.Source
	case "ended":
		return h.Ended.Source
	case "message":
		return h.Message.Source
	}
	return h.Source
}

// setRules sets the health rules of the app's target; t is nil for none.
func (e *Engine) setRules(app name.App, t *target) {
	for _, c := range e.Clusters.All() {
		var rules *health.Rules
		if t != nil && t.Spec.Cluster == c.api.Name() {
			rules = t.rules
		}
		if c.Index != nil {
			c.Index.SetRules(plan.SetID(app), rules)
		}
	}
}
