package script

import (
	"context"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/retry"
)

// restoreLabels are labels as Velero adds them to the objects that it restores.
var restoreLabels = map[string]string{"velero.io/backup-name": "night", "velero.io/restore-name": "morning"}

// loseOwner removes the signs of ownership from all objects of a kind in a namespace, as a
// restore may: managedFields and labels.
func loseOwner(ctx context.Context, c *cluster, _ io.Writer, args []string) error {
	return eachOwned(ctx, c, args, func(client dynamic.ResourceInterface, u *unstructured.Unstructured) error {
		return retry.RetryOnConflict(retry.DefaultRetry, func() error {
			now, err := client.Get(ctx, u.GetName(), metav1.GetOptions{})
			if err != nil {
				return err
			}
			now.SetLabels(restoreLabels)
			now.SetManagedFields([]metav1.ManagedFieldsEntry{{}}) // this empties managedFields
			_, err = client.Update(ctx, now, metav1.UpdateOptions{FieldManager: "velero-server"})
			return err
		})
	})
}

// remake deletes all objects of a kind in a namespace, and recreates them as a restore
// does: with everything except the signs of ownership.
func remake(ctx context.Context, c *cluster, _ io.Writer, args []string) error {
	return eachOwned(ctx, c, args, func(client dynamic.ResourceInterface, u *unstructured.Unstructured) error {
		if err := client.Delete(ctx, u.GetName(), metav1.DeleteOptions{}); err != nil {
			return err
		}
		u.SetUID("")
		u.SetResourceVersion("")
		u.SetLabels(restoreLabels)
		u.SetManagedFields(nil)
		made, err := client.Create(ctx, u, metav1.CreateOptions{FieldManager: "velero-server"})
		if err != nil {
			return err
		}
		made.SetManagedFields([]metav1.ManagedFieldsEntry{{}})
		_, err = client.Update(ctx, made, metav1.UpdateOptions{FieldManager: "velero-server"})
		return err
	})
}

// eachOwned calls do for the objects of a kind in a namespace that belong to an ApplySet.
func eachOwned(ctx context.Context, c *cluster, args []string, do func(dynamic.ResourceInterface, *unstructured.Unstructured) error) error {
	resource, _, err := c.resource(args[0])
	if err != nil {
		return err
	}
	client := c.dynamic.Resource(resource).Namespace(args[1])
	list, err := client.List(ctx, metav1.ListOptions{LabelSelector: "applyset.kubernetes.io/part-of"})
	if err != nil {
		return err
	}
	for i := range list.Items {
		if err := do(client, &list.Items[i]); err != nil {
			return err
		}
	}
	return nil
}
