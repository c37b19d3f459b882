package live

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
)

const scaled = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  managedFields:
  - {manager: pushboat, operation: Apply, time: "2026-01-01T10:00:00Z", fieldsV1: {"f:spec": {"f:template": {}}}}
  - {manager: kubectl, operation: Update, subresource: scale, fieldsV1: {"f:spec": {"f:replicas": {}}}}
  - {manager: kube-controller-manager, operation: Update, subresource: status, time: "2026-01-01T12:00:00Z", fieldsV1: {"f:status": {}}}
`

// printOf returns the fingerprint with the default tools.
func printOf(u *unstructured.Unstructured) string {
	return owner.DefaultTools.Fingerprint(u.GetManagedFields())
}

func TestNewer(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{{"10", "9", true}, {"9", "10", false}, {"9", "9", false}, {"x", "9", true}, {"", "9", true}} {
		if got := newer(test.a, test.b); got != test.want {
			t.Errorf("newer(%q, %q) is %v", test.a, test.b, got)
		}
	}
}

// TestHooksAreMadeByPushboat: the marks of a hook count on what Pushboat has applied, in
// whole objects and in metadata alike. Pods have them from a template, which anybody can
// write.
func TestHooksAreMadeByPushboat(t *testing.T) {
	for manager, want := range map[string]bool{kube.FieldManager: true, "kube-controller-manager": false} {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "migrate"}}}
		MarkHook(u, Hook{Key: "/Pod/shop/migrate", Phase: manifest.PreSync, Run: HookRun{Target: "t", Number: 7}})
		fields := &metav1.FieldsV1{}
		fields.SetRawString(`{"f:metadata":{"f:annotations":{"f:pushboat/hook":{}}}}`)
		u.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsType: "FieldsV1", FieldsV1: fields}})
		x := New(t.Context(), unasked(t), owner.DefaultTools, quiet())
		entry := x.EntryOf(u)
		if is := entry.Hook != nil; is != want || want && entry.Hook.Run.Number != 7 {
			t.Errorf("made by %s: a hook: %v", manager, is)
		}
		f := &follow{index: x, kind: kube.Kind{GVK: u.GroupVersionKind()}}
		entry = f.entryOfMetadata(&metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Name: "migrate", Annotations: u.GetAnnotations(), ManagedFields: u.GetManagedFields(),
		}})
		if is := entry.Hook != nil; is != want {
			t.Errorf("made by %s, as its metadata has it: a hook: %v", manager, is)
		}
	}
}
