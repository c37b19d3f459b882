package deploy

import (
	"context"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// serviceKind has an address outside of the cluster if it is of type LoadBalancer.
var serviceKind = schema.GroupVersionKind{Version: "v1", Kind: "Service"}

// markExposed marks the deletions of Services that have an address outside of the cluster.
// An app that goes asks for a confirmation anyway.
func (e *Engine) markExposed(ctx context.Context, plans []*plan.Plan) manifest.Problems {
	for _, plan := range plans {
		if plan.Gone {
			continue
		}
		if err := e.as(plan.Target.Repo, e.Clusters.Get(plan.Cluster)).markExposed(ctx, plan.Prune); err != nil {
			return manifest.Problems{noAnswer(plan.Cluster, err)}
		}
	}
	return nil
}

func (c caller) markExposed(ctx context.Context, steps []plan.Step) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(plan.Parallel)
	for i := range steps {
		step := &steps[i]
		if step.Action != record.Delete || step.ID.GroupKind() != serviceKind.GroupKind() {
			continue
		}
		group.Go(func() (err error) {
			step.Exposed, err = c.exposes(ctx, step.ID)
			return err
		})
	}
	return group.Wait()
}

// exposes reports whether a Service is of type LoadBalancer, as it runs.
func (c caller) exposes(ctx context.Context, id manifest.ID) (bool, error) {
	kind, err := c.api.Kind(ctx, serviceKind)
	if err != nil {
		return false, err
	}
	running, err := c.api.Get(ctx, kind, id.Namespace, id.Name)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	is, _, err := unstructured.NestedString(running.Object, "spec", "type")
	return is == "LoadBalancer", err
}
