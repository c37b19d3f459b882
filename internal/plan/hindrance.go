package plan

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/record"
)

// unhindered plans an object whose apply the API server refuses because of fields that
// the manifest does not have. Hands have added them, the server has once filled them
// in, or another program or an earlier tool has left them. Server-side apply would
// leave them beside the fields that it brings. unhindered plans as if they were gone,
// by a dry-run of the whole object, and Pushboat claims them before it applies. ok is
// false if there are none, or if the object is refused without them too: then the first
// refusal stands.
func (p *Planner) unhindered(ctx context.Context, o Placed, step Step, running *unstructured.Unstructured, refusal error) (_ Step, _ manifest.Problems, ok bool, err error) {
	places := kube.Places(refusal)
	for try := 0; running != nil && len(places) > 0 && try < hinderedTries; try++ {
		claim := p.claimOf(o, step, running, places)
		if claim == nil {
			break
		}
		would, err := p.API.Replace(ctx, o.Kind, owner.Merged(running, o.Object.Object, claim), running.GetResourceVersion(), true)
		switch {
		case apierrors.IsConflict(err): // a controller has written to it meanwhile
			if running, err = p.running(ctx, o); err != nil {
				return step, nil, false, Unreachable(err)
			}
			continue
		case err != nil:
			return step, nil, false, Unreachable(err)
		}
		step.Claim = claim
		p.diff(&step, running, would, o.Unstructured)
		step.Action = record.Configure
		step.Culprit = owner.CulpritOf(running, claim)
		step.Pointers = owner.Pointers(running.Object, claim.Leaves())
		return step, nil, true, nil
	}
	return step, nil, false, nil
}

// hinderedTries is how often an object is read again that changes while it is planned.
const hinderedTries = 4

// claimOf returns the fields that are to go before the object is applied; nil if none
// stands in the way.
func (p *Planner) claimOf(o Placed, step Step, running *unstructured.Unstructured, places [][]string) *fieldpath.Set {
	gone := step.withoutIgnored(running, owner.Hindrances(running, o.Object.Object, places, p.successor(step)))
	if gone.Empty() {
		return nil
	}
	return gone.Union(step.AddedByHand(p.Index.Tools(), running))
}

// successor returns a function that says whose fields become Pushboat's with an object
// that the app takes over now; nil for an object that was the app's before.
func (p *Planner) successor(step Step) func(string) bool {
	if step.Entry.PartOf != "" && step.Entry.Fingerprint != "" {
		return nil
	}
	tools := p.Index.Tools()
	return func(manager string) bool { return kube.Succeeds(manager) || tools.Has(manager) }
}

// withoutIgnored leaves out of a set the fields that pushboat.yaml leaves to others.
func (s Step) withoutIgnored(u *unstructured.Unstructured, set *fieldpath.Set) *fieldpath.Set {
	if set.Empty() || s.Ignored.IsEmpty() {
		return set
	}
	ignored, _ := s.Ignored.In(u.Object)
	return owner.Select(u.Object, set, func(pointer string) bool { return !covered(ignored, pointer) })
}
