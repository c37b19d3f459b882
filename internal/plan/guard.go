package plan

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// A push that deletes more than this share of an app's objects, and more than
// this many, has to name the number.
const (
	pruneShare = 0.2
	pruneCount = 3
)

// precious kinds take data or other objects with them when they are deleted, even if
// they are recreated.
var precious = map[schema.GroupKind]bool{
	manifest.NamespaceKind:          true,
	manifest.DefinitionKind:         true,
	{Kind: "PersistentVolume"}:      true,
	{Kind: "PersistentVolumeClaim"}: true,
}

// serving kinds have something that recreating them does not bring back: pods with
// names and volumes of their own, or an address that others know. To recreate one by
// force, the pusher has named it.
var serving = map[schema.GroupKind]bool{
	{Group: "apps", Kind: "StatefulSet"}: true,
}

// Guard refuses deletions that nobody confirmed. The number to confirm is the number of
// all deletions of the push, which Guard also returns, so that nobody can give it
// blindly. undo is for plans that take back the deploy before.
func Guard(plans []*Plan, confirmed int, undo bool) (problems manifest.Problems, deletions int) {
	for _, plan := range plans {
		deletions += len(plan.deletions())
	}
	if confirmed == deletions {
		return nil, deletions
	}
	for _, plan := range plans {
		if reason := plan.danger(undo); reason != "" {
			problems = append(problems, manifest.Problem{App: plan.App, Message: reason})
		}
	}
	return problems, deletions
}

// deletions are the plan's prunes, and those recreations that lose data.
func (p *Plan) deletions() []Step {
	steps := p.Pruned()
	for _, step := range p.Steps {
		if step.Action == record.Recreate && precious[step.ID.GroupKind()] {
			steps = append(steps, step)
		}
	}
	return steps
}

// danger returns the reason why the plan's deletions need to be confirmed, or "". undo
// is for a plan that takes back the deploy before, which may have created the app's
// first objects, and those that serve.
func (p *Plan) danger(undo bool) string {
	deletions := p.deletions()
	existing := len(p.Pruned()) + p.Counts().Change + p.Counts().Unchanged
	switch {
	case len(deletions) == 0:
		return ""
	case p.Gone && len(p.Moved) > 0:
		return fmt.Sprintf("app %s is %s: the objects that no other app takes over (%s) would be deleted",
			p.App, p.Left(), manifest.Plural(len(deletions), "object"))
	case p.Gone:
		return fmt.Sprintf("app %s is %s: all its objects (%d) would be deleted", p.App, p.Left(), len(deletions))
	}
	if names := preciousOf(deletions, undo); len(names) > 0 {
		return fmt.Sprintf("app %s: would delete %s, with all that is in it or comes of it", p.App, strings.Join(names, " and "))
	}
	if names := toConfirm(deletions); names != "" {
		return fmt.Sprintf("app %s: would delete %s, which asks for it to be confirmed", p.App, names)
	}
	if reason := p.loss(); reason != "" && !undo {
		return fmt.Sprintf("app %s: %s", p.App, reason)
	}
	if n := len(p.Pruned()); n > pruneCount && float64(n) > pruneShare*float64(existing) {
		return fmt.Sprintf("app %s: would delete %d of %d objects", p.App, n, existing)
	}
	return ""
}

// loss returns a text if none of the app's objects would stay, although the app does;
// "" if one does. A namespace alone does not count. One object that makes room for
// another is as likely to be renamed as not.
func (p *Plan) loss() string {
	deleted, made := len(p.Pruned()), 0
	if deleted == 0 || len(p.Hooks) > 0 || len(p.Same) > 0 {
		return ""
	}
	for _, step := range p.Steps {
		switch {
		case step.ID.GroupKind() == manifest.NamespaceKind:
		case step.Action != record.Create:
			return ""
		default:
			made++
		}
	}
	switch {
	case made == 0:
		return fmt.Sprintf("would be left without an object: all it has (%d) would be deleted", deleted)
	case deleted > 1:
		return fmt.Sprintf("would delete all it has (%d) and make others, as after a change of its namespace or names", deleted)
	}
	return ""
}

// preciousOf names the first three of the precious objects among deletions,
// and how many more there are.
func preciousOf(deletions []Step, undo bool) []string {
	const shown = 3
	var names []string
	for _, step := range deletions {
		kind := step.ID.GroupKind()
		switch {
		case precious[kind], serving[kind] && !undo: // of these, deletions has no recreation
			names = append(names, step.ID.String())
		case step.Exposed && !undo:
			names = append(names, step.ID.String()+" (LoadBalancer)")
		}
	}
	if len(names) > shown {
		names = append(names[:shown], fmt.Sprintf("%d more", len(names)-shown))
	}
	return names
}
