package deploy

import (
	"context"
	"maps"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// frozen names the objects that are left as they are: because the revision
// says so, or the running object.
func (a *app) frozen(t *target) []string {
	found := map[string]bool{}
	for _, o := range t.Objects {
		if t.PolicyOf(o).Has(manifest.Frozen) {
			id := o.ID()
			if id.Namespace == "" {
				id.Namespace = t.Spec.Namespace
			}
			found[id.String()] = true
		}
	}
	if cluster := a.engine.Clusters[t.Spec.Cluster]; cluster != nil {
		cluster.Index.Has(a.set, func(entry *live.Entry) bool {
			if entry.Policies.Has(manifest.Frozen) {
				found[entry.ID.String()] = true
			}
			return false
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// due leaves out the deletions that have to wait until the app is healthy.
func (a *app) due(t *target, steps []plan.Step) []plan.Step {
	now, last := plan.SplitLast(steps)
	if len(last) == 0 {
		return steps
	}
	if len(a.sick(t)) > 0 {
		return now
	}
	return steps
}

// pruneLater makes the deletions that had to wait for everything to be healthy.
func (w *applying) pruneLater() error {
	if len(w.later) == 0 {
		return nil
	}
	if err := w.pruneWaves(w.later); err != nil {
		return err
	}
	w.later = nil
	return w.narrowParent()
}

// replace writes the object as a whole if it asks for that, so that fields
// which others added go. The apply that follows makes the fields ours.
func (w *applying) replace(ctx context.Context, step plan.Step) error {
	if step.Action != record.Configure || !step.Policy.Has(manifest.Replace) {
		return nil
	}
	running, err := w.cluster.Kube.Get(ctx, step.Kind, step.ID.Namespace, step.ID.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		_, err = w.cluster.Kube.Replace(ctx, step.Kind, step.Object.Unstructured, running.GetResourceVersion(), false)
	}
	return err
}

// release takes the app's label off an object that stays.
func (w *applying) release(ctx context.Context, kind kube.Kind, step plan.Step) error {
	w.app.ledger.Forget(step.ID)
	left, err := w.cluster.Kube.Release(ctx, kind, step.ID, step.Entry.UID)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil:
		w.cluster.Index.Note(left)
		w.run.event(string(record.Release), step.ID, step.Note)
	}
	return err
}
