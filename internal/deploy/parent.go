package deploy

import (
	"context"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// readParent returns the app's ApplySet parent, from memory once it is known.
// It does not exist if the app was never applied.
func (a *app) readParent(ctx context.Context, cluster *Cluster) (kube.Parent, error) {
	a.mu.Lock()
	known := a.parent
	a.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	parent, err := cluster.Kube.ReadParent(ctx, a.name, a.repository())
	if err != nil {
		return kube.Parent{}, err
	}
	if a.engine.foreign(parent, cluster, a.repository()) != nil {
		return parent, nil //nolint:nilerr // for the plan to refuse; it may be another's no more the next time
	}
	a.setParent(cluster, &parent)
	return parent, nil
}

// setParent notes the app's parent, and so which kinds have to be watched for it.
func (a *app) setParent(cluster *Cluster, parent *kube.Parent) {
	var kinds kube.GroupKinds
	if parent != nil {
		kinds = parent.Kinds
	}
	cluster.Index.Use(plan.SetID(a.name), kinds)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.parent = parent
}

// widenParent makes the parent list every kind and namespace that the app has
// or is about to have.
func (w *applying) widenParent() error {
	w.app.takeParent(w.cluster, w.plan)
	defer w.cluster.slot()()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	old, err := w.app.readParent(ctx, w.cluster)
	if err != nil || (w.target.Gone && len(w.plan.Prune)+len(w.plan.Hooks) == 0) {
		return err
	}
	if err := w.app.engine.foreign(old, w.cluster, w.target.Repo); err != nil {
		return err // since the plan was made
	}
	return w.writeParent(ctx, old, adding(w.app.signed(old), w.plan.Steps, w.plan.Kinds(), w.plan.Prune, w.plan.Hooks))
}

// narrowParent makes the parent list just what the app has, or deletes it with
// the app.
func (w *applying) narrowParent() error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	switch {
	case w.target.Gone && w.plan.Kept > 0:
		return nil // so that they are found if the app comes back, here or from another repository
	case w.target.Gone:
		w.app.engine.claim(w.app, w.target, nil)
		return w.deleteParent(ctx)
	}
	old, err := w.app.readParent(ctx, w.cluster)
	if err != nil || !w.target.Spec.Prune {
		return err // objects that were left behind still count
	}
	return w.writeParent(ctx, old, adding(w.app.signed(kube.NewParent(w.app.name, "")), w.plan.Steps, w.plan.Kinds(), w.later, w.plan.Hooks, w.waiting(), w.held()))
}

func (w *applying) deleteParent(ctx context.Context) error {
	parent, err := w.app.readParent(ctx, w.cluster)
	if err != nil || !parent.Exists() || w.app.engine.foreign(parent, w.cluster, w.target.Repo) != nil {
		return err
	}
	w.app.setParent(w.cluster, nil)
	return again(ctx, func() error { return w.cluster.Kube.DeleteParent(ctx, parent) })
}

func (w *applying) writeParent(ctx context.Context, old, parent kube.Parent) error {
	stored, err := w.cluster.writeParent(ctx, old, parent)
	if err == nil {
		w.app.setParent(w.cluster, &stored)
	}
	return err
}

// adding returns the parent with the kinds and namespaces of the steps added.
func adding(parent kube.Parent, lists ...[]plan.Step) kube.Parent {
	var last manifest.ID
	for _, steps := range lists {
		for i := range steps {
			id := &steps[i].ID
			if id.Group == last.Group && id.Kind == last.Kind && id.Namespace == last.Namespace {
				continue // as of most, which are sorted
			}
			last = *id
			if !parent.Kinds.Has(id.GroupKind()) {
				parent.Kinds = parent.Kinds.With(id.GroupKind())
			}
			if !parent.Namespaces.Has(id.Namespace) {
				parent.Namespaces = parent.Namespaces.With(id.Namespace)
			}
		}
	}
	return parent
}
