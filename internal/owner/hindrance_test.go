package owner

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/kube"
)

// entryOf is an entry of managedFields.
func entryOf(manager string, operation metav1.ManagedFieldsOperationType, subresource, fields string) metav1.ManagedFieldsEntry {
	entry := metav1.ManagedFieldsEntry{
		Manager: manager, Operation: operation, Subresource: subresource, APIVersion: "v1", FieldsType: "FieldsV1",
		FieldsV1: &metav1.FieldsV1{},
	}
	entry.FieldsV1.SetRawBytes([]byte(fields))
	return entry
}

// runningObject is an object from YAML, with its owners.
func runningObject(t *testing.T, text string, owners ...metav1.ManagedFieldsEntry) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{Object: fields(t, text)}
	u.SetManagedFields(owners)
	return u
}

func fields(t *testing.T, text string) map[string]any {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(append([]byte(`{"kind":"K","apiVersion":"v1",`), data[1:]...)); err != nil {
		t.Fatal(err)
	}
	return u.Object
}

func paths(set *fieldpath.Set) string {
	var all []string
	set.Iterate(func(path fieldpath.Path) { all = append(all, path.String()) })
	slices.Sort(all)
	return strings.Join(all, " ")
}

const (
	ourPort   = `{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}}}}}`
	handsPort = `{"f:spec":{"f:ports":{"k:{\"port\":8888,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{},"f:protocol":{}}}}}`
	ports     = `{spec: {ports: [{name: http, port: 8888, protocol: TCP}], clusterIP: 10.0.0.1}}`
)

func TestHindrances(t *testing.T) {
	apply, update := metav1.ManagedFieldsOperationApply, metav1.ManagedFieldsOperationUpdate
	ours := func(fields string) metav1.ManagedFieldsEntry { return entryOf(kube.FieldManager, apply, "", fields) }
	inPorts, inStrategy := [][]string{{"spec", "ports"}}, [][]string{{"spec", "strategy"}}
	for _, test := range []struct {
		name      string
		running   *unstructured.Unstructured
		written   string
		places    [][]string
		successor func(string) bool
		want      string
	}{
		{
			name:    "an element that a hand has put in the place of ours",
			running: runningObject(t, ports, entryOf("kubectl-patch", update, "", handsPort)),
			written: `{spec: {ports: [{name: http, port: 80}]}}`, places: inPorts,
			want: `.spec.ports[port=8888,protocol="TCP"] .spec.ports[port=8888,protocol="TCP"].name ` +
				`.spec.ports[port=8888,protocol="TCP"].port .spec.ports[port=8888,protocol="TCP"].protocol`,
		},
		{
			name:    "an element that is written stays, and so does its key",
			running: runningObject(t, `{spec: {ports: [{name: http, port: 80, protocol: TCP, nodePort: 3000}]}}`, ours(ourPort)),
			written: `{spec: {ports: [{name: http, port: 80}]}}`, places: inPorts,
			want: `.spec.ports[port=80,protocol="TCP"].nodePort`,
		},
		{
			name:    "another applier's is left",
			running: runningObject(t, ports, entryOf("argocd-controller", apply, "", handsPort)),
			written: `{spec: {ports: [{name: http, port: 80}]}}`, places: inPorts,
			want: "",
		},
		{
			name:    "unless Pushboat succeeds it",
			running: runningObject(t, ports, entryOf("argocd-controller", apply, "", handsPort)),
			written: `{spec: {ports: [{name: http, port: 80}]}}`, places: [][]string{{"spec", "ports"}},
			successor: func(manager string) bool { return manager == "argocd-controller" },
			want: `.spec.ports[port=8888,protocol="TCP"] .spec.ports[port=8888,protocol="TCP"].name ` +
				`.spec.ports[port=8888,protocol="TCP"].port .spec.ports[port=8888,protocol="TCP"].protocol`,
		},
		{
			name:    "defaults that nobody owns",
			running: runningObject(t, `{spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}, replicas: 1}}`, ours(`{"f:spec":{}}`)),
			written: `{spec: {strategy: {type: Recreate}}}`, places: inStrategy,
			want: ".spec.strategy.rollingUpdate .spec.strategy.rollingUpdate.maxSurge",
		},
		{
			name:    "defaults below an empty mapping of ours",
			running: runningObject(t, `{spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}}`, ours(`{"f:spec":{"f:strategy":{}}}`)),
			written: `{spec: {strategy: {type: Recreate}}}`, places: inStrategy,
			want: ".spec.strategy.rollingUpdate .spec.strategy.rollingUpdate.maxSurge",
		},
		{
			name: "a mapping that another applier owns as one value is left",
			running: runningObject(t, `{spec: {strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}}}`,
				entryOf("other", apply, "", `{"f:spec":{"f:strategy":{}}}`)),
			written: `{spec: {strategy: {type: Recreate}}}`, places: inStrategy,
			want: "",
		},
		{
			name:    "what is set through a subresource is left",
			running: runningObject(t, `{spec: {replicas: 3}}`, entryOf("hpa", update, "scale", `{"f:spec":{"f:replicas":{}}}`)),
			written: `{spec: {}}`, places: [][]string{{"spec", "replicas"}},
			want: "",
		},
		{
			name:    "nothing elsewhere",
			running: runningObject(t, ports, entryOf("kubectl-patch", update, "", handsPort)),
			written: `{spec: {}}`, places: inStrategy,
			want: "",
		},
	} {
		found := Hindrances(test.running, fields(t, test.written), test.places, test.successor)
		if got := paths(found); got != test.want {
			t.Errorf("%s:\n  %s, want\n  %s", test.name, got, test.want)
		}
	}
}

func TestMergedIsTheObjectAfterTheApply(t *testing.T) {
	u := runningObject(t, `{spec: {ports: [{name: http, port: 8888, protocol: TCP}, {name: old, port: 81, protocol: TCP}, {name: kept, port: 82, protocol: TCP}], clusterIP: 10.0.0.1}}`,
		entryOf(kube.FieldManager, metav1.ManagedFieldsOperationApply, "",
			`{"f:spec":{"f:ports":{"k:{\"port\":81,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}},"k:{\"port\":82,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}}}}}`),
		entryOf("kubectl-patch", metav1.ManagedFieldsOperationUpdate, "", handsPort))
	written := fields(t, `{spec: {ports: [{name: http, port: 80}, {name: kept, port: 82, targetPort: 1}]}}`)
	gone := Hindrances(u, written, [][]string{{"spec", "ports"}}, nil)
	merged := Merged(u, written, gone)
	spec, err := json.Marshal(merged.Object["spec"])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"clusterIP":"10.0.0.1","ports":[{"name":"kept","port":82,"protocol":"TCP","targetPort":1},{"name":"http","port":80}]}`
	if string(spec) != want {
		t.Errorf("merged is\n  %s, want\n  %s", spec, want)
	}
}

func TestClaimMakesFieldsOurs(t *testing.T) {
	u := runningObject(t, ports,
		entryOf("kubectl-patch", metav1.ManagedFieldsOperationUpdate, "", handsPort),
		entryOf("controller", metav1.ManagedFieldsOperationUpdate, "status", `{"f:status":{}}`),
		entryOf("other", metav1.ManagedFieldsOperationApply, "", `{"f:spec":{"f:clusterIP":{}}}`))
	gone := Hindrances(u, fields(t, `{spec: {}}`), [][]string{{"spec", "ports"}}, nil)
	entries, err := Claim(u, gone, nil)
	if err != nil {
		t.Fatal(err)
	}
	var managers []string
	for _, entry := range entries {
		managers = append(managers, entry.Manager)
	}
	if got := strings.Join(managers, " "); got != "controller other "+kube.FieldManager {
		t.Errorf("owners are %s", got)
	}
	if mine := ourSet(entries); !mine.Equals(gone) {
		t.Errorf("ours is %s, want %s", paths(mine), paths(gone))
	}
}
