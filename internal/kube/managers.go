package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

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

// Predecessors are the names of the tools that Pushboat replaces, as field managers.
func Predecessors() []string { return slices.Sorted(maps.Keys(predecessors)) }

// marks begin the labels and annotations by which these tools know what they have applied.
var marks = []string{
	"kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/", "argocd.argoproj.io/", "meta.helm.sh/",
	"app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "kubectl.kubernetes.io/last-applied-configuration",
}

// IsMark reports whether a label or annotation is one by which another tool knows what it has
// applied.
func IsMark(key string) bool {
	return slices.ContainsFunc(marks, func(mark string) bool {
		return key == mark || strings.HasSuffix(mark, "/") && strings.HasPrefix(key, mark)
	})
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

// HandBack takes the ApplySet label off an object, and gives its fields the owners that are
// named: it is nobody's of Pushboat any more. It is a conflict if the object has changed.
func (c *Cluster) HandBack(ctx context.Context, kind Kind, u *unstructured.Unstructured, fields []metav1.ManagedFieldsEntry) error {
	operations := []map[string]any{{"op": "replace", "path": "/metadata/resourceVersion", "value": u.GetResourceVersion()}}
	if len(fields) == 0 {
		fields = []metav1.ManagedFieldsEntry{{}} // an empty entry says that nobody owns anything
	}
	operations = append(operations, map[string]any{"op": "replace", "path": "/metadata/managedFields", "value": fields})
	if _, has := u.GetLabels()[PartOfLabel]; has {
		operations = append(operations, map[string]any{"op": "remove", "path": "/metadata/labels/" + strings.ReplaceAll(PartOfLabel, "/", "~1")})
	}
	patch, err := json.Marshal(operations)
	if err != nil {
		return fmt.Errorf("encode the owners of %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	objects, err := c.object(kind, u.GetNamespace(), u.GetName())
	if err != nil {
		return err
	}
	_, err = objects.Patch(ctx, u.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: FieldManager})
	return c.wrapFor(ctx, kind, "patch", err)
}
