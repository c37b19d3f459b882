package apply

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/plan"
)

// makeNamespace makes the namespace that the app asks for and another one has, if that
// one has not come to it yet.
func (w *Work) makeNamespace() error {
	id := plan.NamespaceID(w.Target.Spec.Namespace)
	if !w.Target.AsksFor(w.Target.Spec.Cluster, id) || slices.ContainsFunc(w.Plan.Steps, func(s plan.Step) bool { return s.ID == id }) {
		return nil
	}
	if _, known := w.cluster.Index.Get(id); known {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	exists, err := w.cluster.API.HasNamespace(ctx, id.Name)
	if err != nil || exists {
		return err
	}
	namespace := plan.MadeNamespace(w.Target.Spec)
	kind, err := w.cluster.API.Kind(ctx, namespace.GroupVersionKind())
	if err != nil {
		return err
	}
	_, err = w.cluster.API.Create(ctx, kind, namespace.Unstructured, false)
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
