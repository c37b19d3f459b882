package plan

import (
	"context"

	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// mayCompare reports whether an object of a revision that nobody has accepted may be
// compared with the running one. It may if it is one of the app's own, and hides
// nothing in this revision or in the wanted one. Every other name is the choice of the
// revision's author, and a comparison would reveal the object's content, or whether a
// guess is right.
func (p *Planner) mayCompare(o Placed, running live.Entry) bool {
	if o.Policy.Phase != 0 || running.PartOf != SetID(p.Target.Spec.Name) || hides(o.Object) {
		return false
	}
	if p.Wanted == nil {
		return false
	}
	accepted := p.Wanted.Object(o.Key)
	return accepted != nil && !hides(accepted)
}

// hides reports whether an object has values that are not to be shown.
func hides(o *manifest.Object) bool {
	return o.GetKind() == manifest.SecretKind.Kind || o.Conceals()
}

// unseen plans an object that is compared with nothing. It is checked as if it were a
// new one, where nothing can be in its way.
func (p *Planner) unseen(ctx context.Context, o Placed, step Step) (Step, manifest.Problems, error) {
	step.Action, step.Object = record.Create, o.createWhole()
	if o.Policy.Phase != 0 {
		step.Action = record.Hook
	}
	step.Say("not compared with the running object")
	if p.With.Pending(o.Kind) {
		return step, p.With.Schemas.Validate(ctx, o.Object), nil
	}
	if !o.Kind.Namespaced {
		return step, nil, nil
	}
	return step, p.API.Rehearse(ctx, o.Kind, o.Object), nil
}
