package owner

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

// touched is a Deployment to which people and controllers have added fields.
const touched = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {note: by hand, deployment.kubernetes.io/revision: "3"}
  managedFields:
  - manager: pushboat
    operation: Apply
    fieldsV1: {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"web"}': {".": {}, "f:name": {}, "f:image": {}}}}}}}
  - manager: kubectl-edit
    operation: Update
    fieldsV1:
      "f:metadata": {"f:annotations": {"f:note": {}, "f:deployment.kubernetes.io/revision": {}}}
      "f:spec":
        "f:template":
          "f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}}
          "f:spec": {"f:containers": {'k:{"name":"web"}': {"f:env": {".": {}, 'k:{"name":"DEBUG"}': {".": {}, "f:name": {}, "f:value": {}}}}}}
  - manager: kubectl
    operation: Update
    subresource: scale
    fieldsV1: {"f:spec": {"f:replicas": {}}}
  - manager: kube-controller-manager
    operation: Update
    fieldsV1: {"f:metadata": {"f:annotations": {"f:deployment.kubernetes.io/revision": {}}}}
spec:
  replicas: 3
  template:
    metadata: {annotations: {kubectl.kubernetes.io/restartedAt: "2026-01-01T10:00:00Z"}}
    spec:
      containers:
      - {name: side, image: "side:1"}
      - {name: web, image: "web:1", env: [{name: COLOUR, value: red}, {name: DEBUG, value: "1"}]}
`

func TestHandFields(t *testing.T) {
	u := manifesttest.Running(t, touched)
	added := DefaultTools.HandFields(u.GetManagedFields())
	want := []string{
		"/metadata/annotations/note",
		"/spec/template/spec/containers/1/env/1/name",
		"/spec/template/spec/containers/1/env/1/value",
	}
	if got := Pointers(u.Object, added); !slices.Equal(got, want) {
		t.Errorf("the fields added by hand are %q, want %q", got, want)
	}
	if added := (Tools{"k9s"}).HandFields(u.GetManagedFields()); !added.Empty() {
		t.Errorf("without kubectl among the tools, the fields added by hand are %v", added)
	}
}

// made is a Service that kubectl create has made, defaults included. Pushboat has applied
// its port since.
const made = `
metadata:
  managedFields:
  - manager: pushboat
    operation: Apply
    fieldsV1: {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}}}
  - manager: kubectl-create
    operation: Update
    fieldsV1: {"f:spec": {"f:ports": {".": {}, 'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}}}}}
spec: {ports: [{port: 80, protocol: TCP, targetPort: 80}]}
`

func TestHandFieldsKeepKeys(t *testing.T) {
	u := manifesttest.Running(t, made)
	added := DefaultTools.HandFields(u.GetManagedFields())
	if got := Pointers(u.Object, added); !slices.Equal(got, []string{"/spec/ports/0/targetPort"}) {
		t.Errorf("the fields added by hand are %q, want the target port alone", got)
	}
}

func TestFingerprintTellsAddedFields(t *testing.T) {
	u := manifesttest.Running(t, touched)
	with, without := DefaultTools.Fingerprint(u.GetManagedFields()), (Tools{}).Fingerprint(u.GetManagedFields())
	if with == without || without == "" {
		t.Errorf("the fingerprint is %q with added fields and %q without", with, without)
	}
	u.SetManagedFields(slices.Delete(u.GetManagedFields(), 1, 3))
	if got := DefaultTools.Fingerprint(u.GetManagedFields()); got != without {
		t.Errorf("without added fields, the fingerprint is %q, want %q", got, without)
	}
}

func TestRemove(t *testing.T) {
	u := manifesttest.Running(t, touched)
	Remove(u.Object, DefaultTools.HandFields(u.GetManagedFields()))
	u.SetManagedFields(nil)
	want := `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {deployment.kubernetes.io/revision: "3"}
spec:
  replicas: 3
  template:
    metadata: {annotations: {kubectl.kubernetes.io/restartedAt: "2026-01-01T10:00:00Z"}}
    spec:
      containers:
      - {name: side, image: "side:1"}
      - {name: web, image: "web:1", env: [{name: COLOUR, value: red}]}
`
	wantSame(t, u, manifesttest.Running(t, want))
}

func wantSame(t *testing.T, got, want *unstructured.Unstructured) {
	t.Helper()
	a, errA := yaml.Marshal(got.Object)
	b, errB := yaml.Marshal(want.Object)
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("got %s(%v)\nwant %s(%v)", a, errA, b, errB)
	}
}

func TestSurrender(t *testing.T) {
	u := manifesttest.Running(t, touched)
	added := DefaultTools.HandFields(u.GetManagedFields())
	fields, err := DefaultTools.Surrender(u.GetManagedFields(), added)
	if err != nil {
		t.Fatal(err)
	}
	if !added.Difference(ourSet(fields)).Empty() {
		t.Errorf("our fields are %v, without some of %v", ourSet(fields), added)
	}
	if left := DefaultTools.HandFields(fields); !left.Empty() {
		t.Errorf("hands still have %v", left)
	}
	if len(fields) != 4 {
		t.Errorf("%d owners are left, want 4: the restart stays kubectl's", len(fields))
	}
}

const scaledByHand = `
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

// fingerprintOf returns the fingerprint with the default tools.
func fingerprintOf(u *unstructured.Unstructured) string {
	return DefaultTools.Fingerprint(u.GetManagedFields())
}
