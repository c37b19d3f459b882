package owner

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestHandBack(t *testing.T) {
	const apply, update = metav1.ManagedFieldsOperationApply, metav1.ManagedFieldsOperationUpdate
	ours := entryOf("pushboat", apply, "", `{"f:data":{"f:a":{}},"f:metadata":{"f:labels":{"f:applyset.kubernetes.io/part-of":{},"f:team":{}}}}`)
	theirs := entryOf("kustomize-controller", apply, "", `{"f:data":{"f:b":{}}}`)
	status := entryOf("pushboat", update, "status", `{"f:status":{}}`)
	other := entryOf("autoscaler", update, "", `{"f:spec":{"f:replicas":{}}}`)
	written := entryOf("pushboat", update, "", `{"f:data":{"f:c":{}}}`)
	const both = `{"f:data":{"f:a":{},"f:b":{}},"f:metadata":{"f:labels":{"f:team":{}}}}`
	for _, test := range []struct {
		name   string
		fields []metav1.ManagedFieldsEntry
		to     string
		want   map[string]string // fields by manager and operation
	}{
		{"to nobody", []metav1.ManagedFieldsEntry{ours, other, written, status}, "", map[string]string{"autoscaler Update": `{"f:spec":{"f:replicas":{}}}`, "pushboat Update": `{"f:status":{}}`}},
		{"to one that was there before", []metav1.ManagedFieldsEntry{ours, theirs}, "kustomize-controller", map[string]string{"kustomize-controller Apply": both}},
		{"whichever comes first", []metav1.ManagedFieldsEntry{theirs, ours}, "kustomize-controller", map[string]string{"kustomize-controller Apply": both}},
		{"to one that was not", []metav1.ManagedFieldsEntry{ours, theirs}, "argocd-controller", map[string]string{
			"kustomize-controller Apply": `{"f:data":{"f:b":{}}}`, "argocd-controller Apply": `{"f:data":{"f:a":{}},"f:metadata":{"f:labels":{"f:team":{}}}}`,
		}},
		{"of nothing", nil, "argocd-controller", map[string]string{}},
	} {
		after, err := HandBack(test.fields, test.to)
		if err != nil || len(after) != len(test.want) {
			t.Errorf("%s: %d owners, %v", test.name, len(after), err)
		}
		for _, entry := range after {
			key := entry.Manager + " " + string(entry.Operation)
			if got := string(entry.FieldsV1.GetRawBytes()); got != test.want[key] {
				t.Errorf("%s: %s has %s, want %s", test.name, key, got, test.want[key])
			}
		}
	}
}
