package apply

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// pruneLater makes the deletions that had to wait for everything to be healthy.
func (w *Work) pruneLater() error {
	if len(w.later) == 0 {
		return nil
	}
	if err := w.pruneWaves(w.later); err != nil {
		return err
	}
	w.later = nil
	return w.narrowInventory()
}

// replace writes the object as a whole if it asks for that, so that fields
// which others added go. The apply that follows makes the fields ours.
func (w *Work) replace(ctx context.Context, step plan.Step) error {
	if step.Action != record.Configure || !step.Policy.Has(manifest.Replace) {
		return nil
	}
	running, err := w.cluster.API.Get(ctx, step.Kind, step.ID.Namespace, step.ID.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		_, err = w.cluster.API.Replace(ctx, step.Kind, step.Object.Unstructured, running.GetResourceVersion(), false)
	}
	return err
}

// release takes the app's label off an object that stays.
func (w *Work) release(ctx context.Context, kind kube.Kind, step plan.Step) error {
	w.App.Ledger.Forget(step.ID)
	left, err := w.cluster.API.Release(ctx, kind, step.ID, step.Entry.UID)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil:
		w.cluster.Index.Note(left)
		w.Log.Event(string(record.Release), step.ID, step.Note)
	}
	return err
}
