package owner

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

// restored is a Deployment whose managedFields were lost, after an apply.
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

// What nobody knows the writer of is taken away where people may have written it, or an
// older revision had it; what keeps things running stays.
func TestFieldsOfUnknownWriters(t *testing.T) {
	u := manifesttest.Running(t, restored)
	want := []string{
		"/metadata/annotations/note",
		"/metadata/labels/team",
		"/spec/template/spec/containers/0/env/0/name",
		"/spec/template/spec/containers/0/env/0/value",
	}
	if got := Pointers(u.Object, DefaultTools.HandFields(u.GetManagedFields())); !slices.Equal(got, want) {
		t.Errorf("taken away are %q, want %q", got, want)
	}
}

// changedSince is a ConfigMap whose managedFields were lost, and whose value was applied
// anew after that: the map around it stays the unknown writer's.
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
		t.Errorf("taken away are %q", got)
	}
}
