package live

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/yaml"
)

// object reads a running object from YAML.
func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	var content map[string]any
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: content}
}

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

func TestCulprit(t *testing.T) {
	nothing := &fieldpath.Set{}
	u := object(t, scaled)
	if got := CulpritOf(u, nothing).String(); got != "kubectl (Update of scale)" {
		t.Errorf("the one who scaled, noted without a time, is not found: %q", got)
	}
	fields := u.GetManagedFields()
	edited := fields[0]
	edited.Manager, edited.Operation = "kubectl-edit", "Update"
	u.SetManagedFields(append(fields, edited))
	replicas := fieldpath.NewSet(fieldpath.MakePathOrDie("spec", "replicas"))
	if got := CulpritOf(u, replicas).String(); got != "kubectl (Update of scale)" {
		t.Errorf("the replicas were scaled, and it blames %q", got)
	}
	if got := CulpritOf(u, nothing).String(); got != "kubectl-edit (Update, 2026-01-01T10:00:00Z)" {
		t.Errorf("a noted time does not win over none: %q", got)
	}
	u.SetManagedFields(fields[:1])
	if got := CulpritOf(u, nothing); got != (Culprit{}) {
		t.Errorf("nobody but Pushboat wrote it, and it blames %v", got)
	}
}

// printOf is the fingerprint under the default tools.
func printOf(u *unstructured.Unstructured) string {
	return DefaultTools.Fingerprint(u.GetManagedFields())
}

func TestFingerprint(t *testing.T) {
	u := object(t, scaled)
	before := printOf(u)
	fields := u.GetManagedFields()
	u.SetManagedFields(fields[:2])
	if printOf(u) != before {
		t.Error("a change of status changes the fingerprint")
	}
	ours := fields[0].DeepCopy()
	ours.FieldsV1.SetRawBytes([]byte(`{"f:spec":{}}`))
	fields[0] = *ours
	u.SetManagedFields(fields)
	if got := printOf(u); got == before || got == "" {
		t.Errorf("losing a field leaves the fingerprint at %q", got)
	}
	u.SetManagedFields(nil)
	if got := printOf(u); got != "" {
		t.Errorf("nothing is ours, and the fingerprint is %q", got)
	}
}

func TestOwns(t *testing.T) {
	u := object(t, scaled)
	for pointer, want := range map[string]bool{"/spec/template": true, "/spec/replicas": false, "/spec": true, "/x~1y": false} {
		if got := Owns(u, pointer); got != want {
			t.Errorf("owns %s: %v, want %v", pointer, got, want)
		}
	}
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
