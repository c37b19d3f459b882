package apply

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

func (w *Work) delete(ctx context.Context, step plan.Step) {
	if kube.IsSystem(step.ID) {
		w.App.Ledger.Forget(step.ID) // of a version that let apps have it
		return
	}
	if why := w.App.Within.Kept(ctx, step.ID); why != "" { // the grant is narrower than at the time of the plan
		w.Log.Printf("  %s  (%s)", step.ID, why)
		return
	}
	entry, known := w.cluster.Index.Get(step.ID)
	if (known && entry.PartOf != w.App.set()) || w.heir(step.ID) != "" {
		w.App.Ledger.Forget(step.ID) // another app has taken it over, or is about to
		return
	}
	if plan.AlsoAsks(w.Target, &plan.Companions{}, w.App.Others, step.ID) != "" {
		step.Action = record.Release // another app asks for it, and did not at the time of the plan
	}
	released := false
	err := again(ctx, func() (err error) {
		released, err = w.bringOut(ctx, step)
		return err
	})
	if err != nil {
		w.fail(step.ID, err)
		return
	}
	if released {
		return
	}
	w.App.Ledger.Forget(step.ID)
	w.mu.Lock()
	w.deleted = append(w.deleted, step.ID.Key())
	w.mu.Unlock()
	w.Log.Event(string(record.Delete), step.ID, "")
}

// bringOut deletes or releases an object, if the cluster has its kind: without its
// definition there is no object. A kind that cannot be asked for is an error, since
// its objects may well be there.
func (w *Work) bringOut(ctx context.Context, step plan.Step) (released bool, err error) {
	for first := true; ; first = false {
		kind, served, err := w.cluster.API.Served(ctx, step.ID.GroupKind())
		switch {
		case err != nil || !served || kind.Namespaced != (step.ID.Namespace != ""): // of another scope it is another object
			return false, err
		case step.Action == record.Release:
			return true, w.release(ctx, kind, step)
		}
		if err = w.remove(ctx, kind, step); !kube.IsUnserved(err) || !first { // unserved: not as it was a moment ago
			return false, err
		}
	}
}

// remove deletes exactly the planned object, and not one that was created since under
// the same name.
func (w *Work) remove(ctx context.Context, kind kube.Kind, step plan.Step) error {
	err := w.cluster.API.Delete(ctx, kind, step.ID.Namespace, step.ID.Name, kube.DeleteOptions{UID: step.Entry.UID})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
