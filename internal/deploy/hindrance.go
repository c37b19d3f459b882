package deploy

import (
	"context"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
)

// claimFirst makes the fields that stand in the step's way Pushboat's own, so that the
// apply which does not name them removes them.
func (w *applying) claimFirst(ctx context.Context, step plan.Step) error {
	if step.Claim == nil || step.Claim.Empty() {
		return nil
	}
	running, err := w.cluster.Kube.Get(ctx, step.Kind, step.ID.Namespace, step.ID.Name)
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
	return w.cluster.Kube.SetManagedFields(ctx, step.Kind, running, fields)
}
