package apply

import (
	"context"
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// splitDying separates the steps that replace objects which are being deleted.
func splitDying(steps []plan.Step) (ready, dying []plan.Step) {
	for _, step := range steps {
		if step.Dying && step.Entry.UID != "" && step.Action != record.Recreate {
			dying = append(dying, step)
			continue
		}
		ready = append(ready, step)
	}
	return ready, dying
}

// awaitPlaces waits for the end of the objects that the steps replace, and returns the
// steps whose places are free. All of them together may take the app's timeout.
// Meanwhile it holds nothing that others need.
func (w *Work) awaitPlaces(steps []plan.Step) []plan.Step {
	ctx, cancel := context.WithTimeout(context.Background(), w.Target.Spec.Timeout)
	defer cancel()
	var (
		mu   sync.Mutex
		free []plan.Step
	)
	inParallel(steps, func(step plan.Step) {
		w.Log.Event("waiting", step.ID, plan.Deletion(step.Entry))
		w.Log.WaitsFor(step.ID.String()+": "+plan.Deletion(step.Entry), w.Target.Spec.Timeout)
		if err := w.awaitEnd(ctx, step, w.Wait.Done()); err != nil {
			w.fail(step.ID, err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		free = append(free, step)
	})
	return free
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
		running, err := w.read(ctx, step)
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

// read reads the object of a step as it runs.
func (w *Work) read(ctx context.Context, step plan.Step) (running *unstructured.Unstructured, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err = again(ctx, func() (err error) {
		running, err = w.cluster.API.Get(ctx, step.Kind, step.ID.Namespace, step.ID.Name)
		return err
	})
	return running, err
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
