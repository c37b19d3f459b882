package apply

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// makeRoom returns when the object is gone that is to be made anew: it is deleted, or its
// deletion has begun already.
func (w *Work) makeRoom(ctx context.Context, step plan.Step) error {
	switch {
	case step.Action == record.Recreate:
		return w.deleteAndWait(ctx, step)
	case !step.Dying || step.Entry.UID == "":
		return nil
	}
	w.Log.Event("waiting", step.ID, plan.Deletion(step.Entry))
	w.Log.WaitsFor(step.ID.String()+": "+plan.Deletion(step.Entry), w.Target.Spec.Timeout)
	ctx, cancel := context.WithTimeout(ctx, w.Target.Spec.Timeout)
	defer cancel()
	return w.awaitEnd(ctx, step, w.Wait.Done())
}

// deleteAndWait deletes an object and returns when it is gone. No newer push ends that:
// the object is between its deletion and its making.
func (w *Work) deleteAndWait(ctx context.Context, step plan.Step) error {
	if err := again(ctx, func() error { return w.remove(ctx, step.Kind, step) }); err != nil {
		return err
	}
	return w.awaitEnd(ctx, step, nil)
}

// awaitEnd returns when the very object of a step is gone, or when stop is closed, which
// may be nil.
func (w *Work) awaitEnd(ctx context.Context, step plan.Step, stop <-chan struct{}) error {
	changed, done := w.cluster.Index.Changed(step.Entry.PartOf)
	defer done()
	last := step.Entry
	for {
		var running *unstructured.Unstructured
		err := again(ctx, func() (err error) {
			running, err = w.cluster.API.Get(ctx, step.Kind, step.ID.Namespace, step.ID.Name)
			return err
		})
		switch {
		case apierrors.IsNotFound(err) || err == nil && running.GetUID() != step.Entry.UID:
			return nil
		case err != nil && ctx.Err() == nil:
			return err
		case err == nil:
			last = w.cluster.Index.EntryOf(running)
		}
		select {
		case <-changed:
		case <-time.After(goneCheck):
		case <-stop:
			return WaitError(w.Wait)
		case <-ctx.Done():
			return errors.New(plan.Deletion(last))
		}
	}
}

// goneCheck is how often an object is looked for that should be gone, in case
// it never was in the index.
const goneCheck = time.Second

// held lists the deleted objects that a finalizer may hold: their kinds are watched until
// the next deploy.
func (w *Work) held() []plan.Step {
	held := w.Plan.Dying
	for _, step := range w.Plan.Prune {
		if step.Entry.Held || step.ID.GroupKind() == manifest.NamespaceKind {
			held = append(held, step)
		}
	}
	return held
}

// TellDying tells of the objects that the revision no longer has and that hang in their
// deletion.
func (w *Work) TellDying() {
	for _, entry := range w.App.Dying() {
		if w.Target.Object(entry.ID) == nil {
			w.Log.Event("deleting", entry.ID, plan.Deletion(entry))
		}
	}
}
