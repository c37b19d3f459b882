package deploy

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// Rendered renders one app, Only, of a change in the form of records: placed as far as
// the cluster knows the kinds, secrets masked, in YAML. It is empty if the revision
// does not name the app. The error has the problems of the revision.
func (e *Engine) Rendered(ctx context.Context, change Change) (map[manifest.ID][]byte, error) {
	draft := e.Open(change)
	draft.render()
	p := draft.p
	if err := p.Problems.Err(); err != nil {
		return nil, err
	}
	rendered := map[manifest.ID][]byte{}
	for _, t := range p.targets {
		if t.Spec.Name != change.Only {
			continue
		}
		for _, written := range t.Objects {
			o := e.placed(ctx, t, written)
			text, err := manifest.YAML(e.masker(t).Of(written).MaskObject(o).Object)
			if err != nil {
				return nil, err
			}
			rendered[manifest.IDOf(o)] = text
		}
	}
	return rendered, nil
}

// placed returns the object as it would be applied, or as written if the cluster does
// not know its kind or does not answer.
func (e *Engine) placed(ctx context.Context, t *target, written *manifest.Object) *unstructured.Unstructured {
	if cluster := e.Clusters.Get(t.Spec.Cluster); cluster != nil {
		if kind, err := cluster.api.Kind(ctx, written.GroupVersionKind()); err == nil {
			return plan.Place(&t.Target, written, kind).Unstructured
		}
	}
	return written.Unstructured
}
