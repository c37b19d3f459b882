package deploy

import (
	"io"
	"testing"

	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// TestChangeDuringACheck: an object changes after a check has compared it and before the
// check is over.
func TestChangeDuringACheck(t *testing.T) {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	log := logrus.NewEntry(logger)
	cluster, err := kube.Open("default", &rest.Config{Host: "https://127.0.0.1:1"}, log)
	if err != nil {
		t.Fatal(err)
	}
	index := live.New(t.Context(), cluster, owner.DefaultTools, log)
	e := New(Config{Clusters: NewClusters(NewCluster(cluster, index)), Log: log})
	var suspects []manifest.ID
	e.OnSuspect(func(_ name.App, id manifest.ID) { suspects = append(suspects, id) })

	a := newApp(e, "shop", "shop", "main")
	e.apps["shop"] = a
	e.claims.Set("shop", "default", nil)
	a.setWant(&target{Target: plan.Target{Spec: appfile.App{Name: "shop", Cluster: "default", Drift: "correct"}}})
	same, changed := settings("same", "1"), settings("changed", "1")
	for _, object := range []*unstructured.Unstructured{same, changed} {
		index.Note(object)
		a.ledger.Note(manifest.IDOf(object), record.Noted{Fingerprint: index.EntryOf(object).Fingerprint})
	}

	a.enqueue(systemJob(record.CauseSchedule))
	check, _ := a.take()
	same.SetResourceVersion("2")
	index.Note(same)
	changed.SetManagedFields(nil)
	changed.SetResourceVersion("2")
	index.Note(changed)
	if len(suspects) > 0 {
		t.Fatalf("while the check goes on: %v", suspects)
	}
	a.rest()
	a.rescanAfter(a.newAttempt(check))
	if len(suspects) != 1 || suspects[0] != manifest.IDOf(changed) {
		t.Errorf("after the check: %v, want the object that changed", suspects)
	}
	suspects = nil
	a.rescanAfter(a.newAttempt(check))
	if len(suspects) > 0 {
		t.Errorf("after a check during which nothing changed: %v", suspects)
	}
}

// settings is a ConfigMap as Pushboat left it.
func settings(name, version string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"name": name, "namespace": "shop", "resourceVersion": version,
			"labels": map[string]any{kube.PartOfLabel: plan.SetID("shop")},
			"managedFields": []any{map[string]any{
				"manager": kube.FieldManager, "operation": "Apply", "apiVersion": "v1",
				"fieldsType": "FieldsV1", "fieldsV1": map[string]any{"f:data": map[string]any{}},
			}},
		},
	}}
}
