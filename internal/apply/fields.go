package apply

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
)

// takeFromHands removes the fields that hand tools have added to an object
// that was just applied: it makes them Pushboat's, and applies once more.
func (w *Work) takeFromHands(ctx context.Context, step plan.Step, applied *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	tools := w.cluster.Index.Tools()
	for {
		added := step.AddedByHand(tools, applied)
		if added.Empty() {
			return applied, nil
		}
		fields, err := tools.Surrender(applied.GetManagedFields(), added)
		if err != nil {
			return nil, err
		}
		err = w.cluster.API.SetManagedFields(ctx, step.Kind, applied, fields)
		if err == nil {
			return w.cluster.API.Apply(ctx, step.Kind, step.Object.Unstructured, kube.ApplyOptions{})
		}
		if !apierrors.IsConflict(err) || ctx.Err() != nil {
			return nil, err
		}
		if applied, err = w.cluster.API.Get(ctx, step.Kind, step.ID.Namespace, step.ID.Name); err != nil {
			return nil, err
		}
	}
}

// takeFromTools removes the fields that tools which Pushboat replaces have left on an object
// that was just applied: it makes them Pushboat's, and applies once more.
func (w *Work) takeFromTools(ctx context.Context, step plan.Step, applied *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	for step.Remains != nil && !step.Remains.Empty() {
		given, err := step.Surrender(applied)
		if err != nil {
			return nil, err
		}
		err = w.cluster.API.SetManagedFields(ctx, step.Kind, applied, given.GetManagedFields())
		if err == nil {
			return w.cluster.API.Apply(ctx, step.Kind, step.Object.Unstructured, kube.ApplyOptions{})
		}
		if !apierrors.IsConflict(err) || ctx.Err() != nil {
			return nil, err
		}
		if applied, err = w.cluster.API.Get(ctx, step.Kind, step.ID.Namespace, step.ID.Name); err != nil {
			return nil, err
		}
	}
	return applied, nil
}

// claimFirst makes the fields that stand in the step's way Pushboat's own, so that the
// apply which does not name them removes them.
func (w *Work) claimFirst(ctx context.Context, step plan.Step) error {
	if step.Claim == nil || step.Claim.Empty() {
		return nil
	}
	running, err := w.cluster.API.Get(ctx, step.Kind, step.ID.Namespace, step.ID.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var successor func(string) bool
	if step.TakesOver() {
		tools := w.cluster.Index.Tools()
		successor = func(manager string) bool { return kube.Succeeds(manager) || tools.Has(manager) }
	}
	fields, err := owner.Claim(running, step.Claim, successor)
	if err != nil {
		return err
	}
	return w.cluster.API.SetManagedFields(ctx, step.Kind, running, fields)
}
