package plan

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// namespaceEnds reports whether the object could not be tried because its namespace is
// being deleted. The app will recreate the namespace.
func (p *Planner) namespaceEnds(o Placed, err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) && p.With.Namespaces[o.Key.Namespace]
}

// planAnew plans to recreate an object whose deletion has begun: everything applied to
// the dying object goes with it. As long as that object is there, the manifest is tried
// on it.
func (p *Planner) planAnew(ctx context.Context, o Placed, step Step, running *unstructured.Unstructured) (Step, manifest.Problems, error) {
	step.Action, step.Dying = record.Create, true
	step.Say(Deletion(step.Entry))
	if _, err := p.tryOut(ctx, o, running); err != nil && !kube.IsImmutable(err) {
		return step, p.explain(ctx, o, err), Unreachable(err)
	}
	step.Object = o.createWhole()
	return step, nil, nil
}
