package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/manifest"
)

// RestartedAt is the annotation of a pod template by which kubectl rollout restart has all
// pods replaced.
const RestartedAt = "kubectl.kubernetes.io/restartedAt"

// restartManager owns RestartedAt where Pushboat has set it. It is another manager than that
// of applies, which would remove the annotation, and none of the tools whose additions are
// drift.
const restartManager = "pushboat-restart"

// Restart has the controller of an object replace its pods, as kubectl rollout restart
// does. It is a conflict if another object has the name by now.
func (c *Cluster) Restart(ctx context.Context, kind Kind, id manifest.ID, uid types.UID, at time.Time) (*unstructured.Unstructured, error) {
	annotations := map[string]any{RestartedAt: at.UTC().Format(time.RFC3339)}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": uid},
		"spec":     map[string]any{"template": map[string]any{"metadata": map[string]any{"annotations": annotations}}},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the restart of %s: %w", id, err)
	}
	objects, err := c.object(kind, id.Namespace, id.Name)
	if err != nil {
		return nil, err
	}
	restarted, err := objects.Patch(ctx, id.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: restartManager})
	return restarted, c.wrapFor(ctx, kind, "restart", err)
}
