package plan

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// comesWithDefinition plans a custom resource whose definition is new or changes with
// the push. Its mistakes are found by that definition, which the cluster does not have
// yet. Whether the resource runs, and who its owner is, the cluster knows.
func (p *Planner) comesWithDefinition(ctx context.Context, o Placed, step Step) (Step, manifest.Problems, error) {
	step.Defined = true
	problems := p.With.Schemas.Validate(ctx, o.Object)
	running, err := p.runningAnyVersion(ctx, o)
	switch {
	case err != nil:
		return step, append(problems, p.explain(ctx, o, err)...), Unreachable(err)
	case running == nil:
		step.Action, step.Object = record.Create, o.createWhole()
		return step, p.With.Schemas.Validate(ctx, o.Object), nil
	}
	step.Entry = p.Index.EntryOf(running)
	if problem := p.owner(ctx, o, &step); problem != nil {
		return step, append(problems, *problem), nil
	}
	after, err := p.API.Apply(ctx, o.Kind, o.Unstructured, kube.ApplyOptions{DryRun: true})
	switch {
	case err == nil:
		step, found, err := p.settle(ctx, o, step, running, after)
		return step, append(problems, found...), err
	case Unreachable(err) != nil:
		return step, problems, Unreachable(err)
	case apierrors.IsForbidden(err):
		return step, append(problems, p.explain(ctx, o, err)...), nil
	default: // it does not fit the old definition, which need not be a mistake
		step.Action = record.Configure
		step.Changes = p.written(o, running)
	}
	return step, problems, nil
}

// runningAnyVersion reads the object in the version that the cluster prefers:
// that of the object may come with the push. In another scope it is not there.
func (p *Planner) runningAnyVersion(ctx context.Context, o Placed) (*unstructured.Unstructured, error) {
	known, err := p.API.KindOf(ctx, o.Kind.GVK.GroupKind())
	switch {
	case err != nil:
	case known.Namespaced != o.Kind.Namespaced:
		return nil, nil
	default:
		o.Kind = known
	}
	return p.running(ctx, o)
}

// written compares the manifest of an object with the running one. It leaves out the
// fields that only the running object has: most are defaults, which come back.
func (p *Planner) written(o Placed, running *unstructured.Unstructured) []manifest.Change {
	var changes []manifest.Change
	for _, change := range manifest.Diff(comparableOf(running).Object, comparableOf(o.Unstructured).Object, p.maskerOf(running.GetLabels()[kube.PartOfLabel]).Of(o.Object)) {
		if change.Kind != manifest.Removed {
			changes = append(changes, change)
		}
	}
	return changes
}
