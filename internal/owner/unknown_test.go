package owner

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

// restored is a Deployment that has lost its managedFields, after an apply.
const restored = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  finalizers: [example.org/held]
  annotations: {note: by hand, deployment.kubernetes.io/revision: "3"}
  labels: {app: web, velero.io/restore-name: night, team: blue}
  managedFields:
  - manager: pushboat
    operation: Apply
    fieldsV1: {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {".": {}, "f:name": {}, "f:image": {}}}}}}}
  - manager: before-first-apply
    operation: Update
    fieldsV1:
      "f:metadata":
        "f:finalizers": {".": {}, 'v:"example.org/held"': {}}
        "f:annotations": {".": {}, "f:note": {}, "f:deployment.kubernetes.io/revision": {}}
        "f:labels": {".": {}, "f:app": {}, "f:velero.io/restore-name": {}, "f:team": {}}
      "f:spec":
        "f:replicas": {}
        "f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {".": {}, "f:name": {}, "f:image": {}, "f:env": {".": {}, 'k:{"name":"OLD"}': {".": {}, "f:name": {}, "f:value": {}}}}}}}
spec:
  replicas: 5
  template:
    spec:
      containers:
      - {name: web, image: "web:1", env: [{name: OLD, value: "1"}]}
`

// TestFieldsOfUnknownWriters: fields of unknown writers are removed if people may have
// written them, or if an older revision had them. Fields that keep things running stay.
func TestFieldsOfUnknownWriters(t *testing.T) {
	u := manifesttest.Running(t, restored)
	want := []string{
		"/metadata/annotations/note",
		"/metadata/labels/team",
		"/spec/template/spec/containers/0/env/0/name",
		"/spec/template/spec/containers/0/env/0/value",
	}
	if got := Pointers(u.Object, DefaultTools.HandFields(u.GetManagedFields())); !slices.Equal(got, want) {
		t.Errorf("the removed fields are %q, want %q", got, want)
	}
}

// changedSince is a ConfigMap that has lost its managedFields, and whose value was applied
// again after that. The map around the value stays the unknown writer's.
const changedSince = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  managedFields:
  - manager: pushboat
    operation: Apply
    fieldsV1: {"f:data": {"f:colour": {}}}
  - manager: before-first-apply
    operation: Update
    fieldsV1: {"f:data": {}}
data: {colour: yellow}
`

func TestMapsAroundOurFieldsAreNotTakenAway(t *testing.T) {
	u := manifesttest.Running(t, changedSince)
	if got := Pointers(u.Object, DefaultTools.HandFields(u.GetManagedFields())); len(got) > 0 {
		t.Errorf("the removed fields are %q", got)
	}
}
