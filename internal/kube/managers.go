package kube

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// predecessors are the field managers of tools that Pushboat replaces: Argo CD
// (client-side and server-side apply), Flux (kustomize-controller and helm-controller)
// and Helm. The API server keeps the fields that they applied as theirs too, so a field
// that later leaves Git would stay.
var predecessors = map[string]bool{
	"argocd-controller":             true,
	"argocd-application-controller": true,
	"kustomize-controller":          true,
	"helm-controller":               true,
	"helm":                          true,
}

// Succeed takes the fields of an object from the tools that had applied it, once
// Pushboat has applied it. Fields that they wrote to the status or to a subresource
// stay theirs. It returns the resulting object, which is u itself if none of them had
// any.
func (c *Cluster) Succeed(ctx context.Context, kind Kind, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	before := u.GetManagedFields()
	var after []metav1.ManagedFieldsEntry
	for _, entry := range before {
		if !predecessors[entry.Manager] || entry.Subresource != "" {
			after = append(after, entry)
		}
	}
	if len(after) == len(before) {
		return u, nil
	}
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": after},
		{"op": "replace", "path": "/metadata/resourceVersion", "value": u.GetResourceVersion()}, // a conflict if it has changed
	})
	if err != nil {
		return nil, fmt.Errorf("encode the managers of %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	opts := metav1.PatchOptions{FieldManager: FieldManager}
	objects, err := c.object(kind, u.GetNamespace(), u.GetName())
	if err != nil {
		return nil, err
	}
	left, err := objects.Patch(ctx, u.GetName(), types.JSONPatchType, patch, opts)
	return left, c.wrap("take the fields over", err)
}
