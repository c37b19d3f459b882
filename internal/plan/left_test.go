package plan

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/owner"
)

// What another tool has left goes, but for what others own, or have to, and for its marks.
func TestWhatAToolHasLeft(t *testing.T) {
	const apply, update = metav1.ManagedFieldsOperationApply, metav1.ManagedFieldsOperationUpdate
	data := `{"f:data":{"f:old":{},"f:kept":{}},"f:metadata":{"f:labels":{"f:team":{},"f:kustomize.toolkit.fluxcd.io/name":{},"f:app.kubernetes.io/instance":{}},` +
		`"f:annotations":{"f:kustomize.toolkit.fluxcd.io/prune":{},"f:argocd.argoproj.io/tracking-id":{},"f:note":{}}}}`
	const ours = `{"f:data":{"f:kept":{}}}`
	entry := func(manager string, operation metav1.ManagedFieldsOperationType, subresource, fields string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, Subresource: subresource, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields)}
	}
	pushboat := entry("pushboat", apply, "", ours)
	for _, test := range []struct {
		name    string
		entries []metav1.ManagedFieldsEntry
		ignored []string
		marks   bool
		want    string
	}{
		{"applied by Flux", []metav1.ManagedFieldsEntry{pushboat, entry("kustomize-controller", apply, "", data)}, nil, false, "/metadata/annotations/note /metadata/labels/team /data/old"},
		{"updated by Argo CD", []metav1.ManagedFieldsEntry{pushboat, entry("argocd-controller", update, "", data)}, nil, false, "/metadata/annotations/note /metadata/labels/team /data/old"},
		{
			"with its marks",
			[]metav1.ManagedFieldsEntry{pushboat, entry("helm-controller", apply, "", data)},
			nil, true,
			"/metadata/annotations/argocd.argoproj.io~1tracking-id /metadata/annotations/note /metadata/labels/app.kubernetes.io~1instance /metadata/labels/kustomize.toolkit.fluxcd.io~1name /metadata/labels/team /data/old",
		},
		{
			"that another program owns, too",
			[]metav1.ManagedFieldsEntry{pushboat, entry("kustomize-controller", apply, "", data), entry("autoscaler", update, "", `{"f:data":{"f:old":{}}}`)},
			nil, false,
			"/metadata/annotations/note /metadata/labels/team",
		},
		{"that is to be ignored", []metav1.ManagedFieldsEntry{pushboat, entry("kustomize-controller", apply, "", data)}, []string{"/data/old", "/metadata"}, false, ""},
		{"in a subresource", []metav1.ManagedFieldsEntry{pushboat, entry("kustomize-controller", update, "status", data)}, nil, true, ""},
		{"by somebody else", []metav1.ManagedFieldsEntry{pushboat, entry("another", apply, "", data)}, nil, true, ""},
	} {
		u := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"old": "1", "kept": "2"},
			"metadata": map[string]any{
				"name":        "a",
				"labels":      map[string]any{"team": "x", "kustomize.toolkit.fluxcd.io/name": "a", "app.kubernetes.io/instance": "a"},
				"annotations": map[string]any{"kustomize.toolkit.fluxcd.io/prune": "disabled", "argocd.argoproj.io/tracking-id": "a", "note": "x"},
			},
		}}
		u.SetManagedFields(test.entries)
		step := Step{Ignored: appfile.Ignored{Pointers: test.ignored}}
		left := step.LeftBehind(u, test.marks)
		got := owner.Pointers(u.Object, left)
		slices.Sort(got)
		want := strings.Fields(test.want)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", test.name, got, want)
		}
		if left.Empty() {
			continue
		}
		step.Remains = left
		given, err := step.Surrender(u)
		if err != nil {
			t.Fatal(err)
		}
		after := Step{}.LeftBehind(given, test.marks)
		if rest := owner.Pointers(u.Object, after); len(rest) > 0 || len(u.GetManagedFields()) != len(test.entries) {
			t.Errorf("%s: %q are left after they were given", test.name, rest)
		}
	}
}
