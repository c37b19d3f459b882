package kube

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/manifest"
)

// ApplyOptions say how an object is applied.
type ApplyOptions struct {
	DryRun  bool   // the server checks everything and stores nothing
	NoForce bool   // a field that another manager owns is a conflict; by default it becomes ours
	Manager string // the owner of the fields; "" means FieldManager
}

// Apply applies an object by server-side apply and returns the resulting object. A dry
// run asks for strict validation of fields. The error is the server's, for Explain.
func (c *Cluster) Apply(ctx context.Context, kind Kind, obj *unstructured.Unstructured, opts ApplyOptions) (*unstructured.Unstructured, error) {
	data, err := json.Marshal(obj.Object)
	if err != nil {
		return nil, fmt.Errorf("encode %s %s: %w", obj.GetKind(), obj.GetName(), err)
	}
	force := !opts.NoForce
	patch := metav1.PatchOptions{FieldManager: opts.Manager, Force: &force}
	if patch.FieldManager == "" {
		patch.FieldManager = FieldManager
	}
	if opts.DryRun {
		patch.DryRun = []string{metav1.DryRunAll}
		patch.FieldValidation = metav1.FieldValidationStrict
	}
	objects, err := c.object(kind, obj.GetNamespace(), obj.GetName())
	if err != nil {
		return nil, err
	}
	applied, err := objects.Patch(ctx, obj.GetName(), types.ApplyPatchType, data, patch)
	return applied, c.wrapFor(ctx, kind, "apply", err)
}

// Replace writes an object as a whole over its version with that resource version:
// fields that it does not have are removed, unless the server sets them.
func (c *Cluster) Replace(ctx context.Context, kind Kind, obj *unstructured.Unstructured, version string, dryRun bool) (*unstructured.Unstructured, error) {
	opts := metav1.UpdateOptions{FieldManager: FieldManager}
	if dryRun {
		opts.DryRun = []string{metav1.DryRunAll}
		opts.FieldValidation = metav1.FieldValidationStrict
	}
	whole := obj.DeepCopy()
	whole.SetResourceVersion(version)
	objects, err := c.object(kind, obj.GetNamespace(), obj.GetName())
	if err != nil {
		return nil, err
	}
	replaced, err := objects.Update(ctx, whole, opts)
	return replaced, c.wrapFor(ctx, kind, "replace", err)
}

// Release removes the ApplySet label from an object, which then belongs to nobody. It
// is a conflict if another object has the name meanwhile.
func (c *Cluster) Release(ctx context.Context, kind Kind, id manifest.ID, uid types.UID) (*unstructured.Unstructured, error) {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": uid, "labels": map[string]any{PartOfLabel: nil},
	}})
	if err != nil {
		return nil, fmt.Errorf("encode the release of %s: %w", id, err)
	}
	opts := metav1.PatchOptions{FieldManager: FieldManager}
	objects, err := c.object(kind, id.Namespace, id.Name)
	if err != nil {
		return nil, err
	}
	released, err := objects.Patch(ctx, id.Name, types.MergePatchType, patch, opts)
	return released, c.wrapFor(ctx, kind, "release", err)
}

// Create creates an object, which must not exist yet.
func (c *Cluster) Create(ctx context.Context, kind Kind, obj *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error) {
	opts := metav1.CreateOptions{FieldManager: FieldManager}
	if dryRun {
		opts.DryRun = []string{metav1.DryRunAll}
		opts.FieldValidation = metav1.FieldValidationStrict
	}
	objects, err := c.Objects(kind, obj.GetNamespace())
	if err != nil {
		return nil, err
	}
	created, err := objects.Create(ctx, obj, opts)
	return created, c.wrapFor(ctx, kind, "create", err)
}

// SetManagedFields replaces the field owners of an object, provided that it is still at
// its resourceVersion; otherwise the error is a conflict.
func (c *Cluster) SetManagedFields(ctx context.Context, kind Kind, obj *unstructured.Unstructured, fields []metav1.ManagedFieldsEntry) error {
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": fields},
		{"op": "replace", "path": "/metadata/resourceVersion", "value": obj.GetResourceVersion()},
	})
	if err != nil {
		return fmt.Errorf("encode the field owners of %s %s: %w", obj.GetKind(), obj.GetName(), err)
	}
	objects, err := c.object(kind, obj.GetNamespace(), obj.GetName())
	if err != nil {
		return err
	}
	_, err = objects.Patch(ctx, obj.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: FieldManager})
	return c.wrapFor(ctx, kind, "patch", err)
}

// Get reads an object. IsNotFound holds for the error if there is none.
func (c *Cluster) Get(ctx context.Context, kind Kind, namespace, name string) (*unstructured.Unstructured, error) {
	objects, err := c.object(kind, namespace, name)
	if err != nil {
		return nil, err
	}
	obj, err := objects.Get(ctx, name, metav1.GetOptions{})
	return obj, c.wrapFor(ctx, kind, "get", err)
}

// HasNamespace reports whether a namespace exists. The server looks, whoever asks: an
// account of one namespace may read none.
func (c *Cluster) HasNamespace(ctx context.Context, name string) (bool, error) {
	_, err := c.own().Get(ctx, namespaces, "", name)
	if IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// DeleteOptions say how an object is deleted.
type DeleteOptions struct {
	UID         types.UID                  // delete only this very object; "" means whichever has the name
	Propagation metav1.DeletionPropagation // what happens to its dependents; "" means background
	DryRun      bool
}

// Delete requests an object's deletion, which its finalizers may delay. If the object
// does not exist, IsNotFound holds for the error; if it does not have the expected UID,
// the error is a conflict; if its kind is no longer served so, it is an
// *UnknownKindError.
func (c *Cluster) Delete(ctx context.Context, kind Kind, namespace, name string, opts DeleteOptions) error {
	propagation := opts.Propagation
	if propagation == "" {
		propagation = metav1.DeletePropagationBackground
	}
	del := metav1.DeleteOptions{PropagationPolicy: &propagation}
	if opts.UID != "" {
		del.Preconditions = &metav1.Preconditions{UID: &opts.UID}
	}
	if opts.DryRun {
		del.DryRun = []string{metav1.DryRunAll}
	}
	objects, err := c.object(kind, namespace, name)
	if err != nil {
		return err
	}
	err = objects.Delete(ctx, name, del)
	if isPathMissing(err) {
		c.Invalidate()
		return &UnknownKindError{GVK: kind.GVK}
	}
	return c.wrapFor(ctx, kind, "delete", err)
}

// List lists a kind's objects. namespace "" means all of them.
func (c *Cluster) List(ctx context.Context, kind Kind, namespace, selector string) (*unstructured.UnstructuredList, error) {
	objects, err := c.Objects(kind, namespace)
	if err != nil {
		return nil, err
	}
	list, err := objects.List(ctx, metav1.ListOptions{LabelSelector: selector})
	return list, c.wrap("list "+kind.Resource.Resource, err)
}
