package owner

import (
	"testing"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

func TestCulprit(t *testing.T) {
	nothing := &fieldpath.Set{}
	u := manifesttest.Running(t, scaledByHand)
	if got := CulpritOf(u, nothing).String(); got != "kubectl (Update of scale)" {
		t.Errorf("the writer through scale, which has no time, is not found: %q", got)
	}
	fields := u.GetManagedFields()
	edited := fields[0]
	edited.Manager, edited.Operation = "kubectl-edit", "Update"
	u.SetManagedFields(append(fields, edited))
	replicas := fieldpath.NewSet(fieldpath.MakePathOrDie("spec", "replicas"))
	if got := CulpritOf(u, replicas).String(); got != "kubectl (Update of scale)" {
		t.Errorf("the replicas were scaled, but the culprit is %q", got)
	}
	if got := CulpritOf(u, nothing).String(); got != "kubectl-edit (Update, 2026-01-01T10:00:00Z)" {
		t.Errorf("a writer with a time does not win over one without: %q", got)
	}
	u.SetManagedFields(fields[:1])
	if got := CulpritOf(u, nothing); got != (Culprit{}) {
		t.Errorf("only Pushboat has written the object, but the culprit is %v", got)
	}
}

func TestFingerprint(t *testing.T) {
	u := manifesttest.Running(t, scaledByHand)
	before := fingerprintOf(u)
	fields := u.GetManagedFields()
	u.SetManagedFields(fields[:2])
	if fingerprintOf(u) != before {
		t.Error("a change of status changes the fingerprint")
	}
	ours := fields[0].DeepCopy()
	ours.FieldsV1.SetRawBytes([]byte(`{"f:spec":{}}`))
	fields[0] = *ours
	u.SetManagedFields(fields)
	if got := fingerprintOf(u); got == before || got == "" {
		t.Errorf("losing a field leaves the fingerprint at %q", got)
	}
	u.SetManagedFields(nil)
	if got := fingerprintOf(u); got != "" {
		t.Errorf("without fields of ours, the fingerprint is %q", got)
	}
}

func TestOwns(t *testing.T) {
	u := manifesttest.Running(t, scaledByHand)
	for pointer, want := range map[string]bool{"/spec/template": true, "/spec/replicas": false, "/spec": true, "/x~1y": false} {
		if got := Owns(u, pointer); got != want {
			t.Errorf("owns %s: %v, want %v", pointer, got, want)
		}
	}
}
