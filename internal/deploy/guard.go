package deploy

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
)

// A push that deletes more than this share of an app's objects, and more than
// this many, has to name the number.
const (
	pruneShare = 0.2
	pruneCount = 3
)

// precious kinds take data or other objects with them when they are deleted.
var precious = map[schema.GroupKind]bool{
	manifest.NamespaceKind:          true,
	manifest.DefinitionKind:         true,
	{Kind: "PersistentVolume"}:      true,
	{Kind: "PersistentVolumeClaim"}: true,
}

// guard refuses deletions that nobody confirmed. The number to confirm is
// that of all deletions of the push, so that it can not be given blindly.
func guard(plans []*Plan, options Options) manifest.Problems {
	total := 0
	for _, plan := range plans {
		total += len(plan.deletions())
	}
	if options.ConfirmPrune == total && total > 0 {
		return nil
	}
	var problems manifest.Problems
	for _, plan := range plans {
		if reason := plan.danger(); reason != "" {
			problems = append(problems, manifest.Problem{
				App: plan.App, Message: reason, Hint: confirmHint(total, options),
			})
		}
	}
	return problems
}

func confirmHint(total int, options Options) string {
	with := "push with -o "
	if options.Verb {
		with = "repeat it with --"
	}
	hint := fmt.Sprintf("if that is meant, %sconfirm-prune=%d", with, total)
	if options.ConfirmPrune >= 0 {
		hint = fmt.Sprintf("confirm-prune=%d does not match; ", options.ConfirmPrune) + hint
	}
	return hint
}

// deletions are the plan's prunes, and those recreations that lose data.
func (p *Plan) deletions() []Step {
	steps := p.pruned()
	for _, step := range p.Steps {
		if step.Action == Recreate && precious[step.ID.GroupKind()] {
			steps = append(steps, step)
		}
	}
	return steps
}

// danger says why the plan's deletions need to be confirmed, or "".
func (p *Plan) danger() string {
	deletions := p.deletions()
	existing := len(p.pruned()) + p.Counts().Change + p.Counts().Unchanged
	switch {
	case len(deletions) == 0:
		return ""
	case p.Gone && len(p.Moved) > 0:
		return fmt.Sprintf("app %s is no longer in pushboat.yaml: what no other app takes over (%s) would be deleted",
			p.App, plural(len(deletions), "object"))
	case p.Gone:
		return fmt.Sprintf("app %s is no longer in pushboat.yaml: all its objects (%d) would be deleted", p.App, len(deletions))
	}
	if names := preciousOf(deletions); len(names) > 0 {
		return fmt.Sprintf("app %s: would delete %s, with all that is in it or comes of it", p.App, strings.Join(names, " and "))
	}
	if names := toConfirm(deletions); names != "" {
		return fmt.Sprintf("app %s: would delete %s, which asks for it to be confirmed", p.App, names)
	}
	if n := len(p.pruned()); n > pruneCount && float64(n) > pruneShare*float64(existing) {
		return fmt.Sprintf("app %s: would delete %d of %d objects", p.App, n, existing)
	}
	return ""
}

// preciousOf names the first three of the precious objects among deletions,
// and how many more there are.
func preciousOf(deletions []Step) []string {
	const shown = 3
	var names []string
	for _, step := range deletions {
		if precious[step.ID.GroupKind()] {
			names = append(names, step.ID.String())
		}
	}
	if len(names) > shown {
		names = append(names[:shown], fmt.Sprintf("%d more", len(names)-shown))
	}
	return names
}
