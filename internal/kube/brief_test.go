package kube

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const replicaSetItem = `{"metadata": {"name": "web-%d", "namespace": "shop", "uid": "u", "generation": 2, "creationTimestamp": "2026-11-29T10:00:00Z",
	"ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d", "controller": true}],
	"managedFields": [{"manager": "kube-controller-manager", "fieldsV1": {"f:spec": {}}}]},
	"spec": {"replicas": 3, "minReadySeconds": 0, "template": {"spec": {"containers": [{"name": "web"}]}}}, "status": {"replicas": 3, "ratio": 0.5}}`

func TestReadBrief(t *testing.T) {
	gvk := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "ReplicaSet"}
	list, next, err := readBrief([]byte(`{"kind": "ReplicaSetList", "metadata": {"continue": "more"}, "items": [`+fmt.Sprintf(replicaSetItem, 1)+`, {"metadata": {"name": "bare"}, "spec": null}]}`), gvk)
	if err != nil || next != "more" || len(list) != 2 {
		t.Fatalf("%d objects, continued by %q, %v", len(list), next, err)
	}
	want := &unstructured.Unstructured{}
	if err := want.UnmarshalJSON([]byte(strings.Replace(fmt.Sprintf(replicaSetItem, 1), "{", `{"apiVersion": "apps/v1", "kind": "ReplicaSet", `, 1))); err != nil {
		t.Fatal(err)
	}
	unstructured.RemoveNestedField(want.Object, "metadata", "managedFields")
	unstructured.RemoveNestedField(want.Object, "spec", "template")
	if !reflect.DeepEqual(list[0].Object, want.Object) {
		t.Errorf("it is read as %#v, want %#v", list[0].Object, want.Object)
	}
	if bare := list[1]; bare.GetName() != "bare" || bare.GetKind() != "ReplicaSet" || len(bare.Object) != 3 {
		t.Errorf("what has nothing but a name is read as %#v", bare.Object)
	}
	for _, text := range []string{"[]", `{"items": 1}`, `{"items": [{"metadata": []}]}`, ""} {
		if _, _, err := readBrief([]byte(text), gvk); err == nil {
			t.Errorf("%q is read without an error", text)
		}
	}
}

// TestReadBriefIsBrief: what is left out is not decoded.
func TestReadBriefIsBrief(t *testing.T) {
	gvk := schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "ReplicaSet"}
	list := func(containers int) []byte {
		var object map[string]any
		if err := json.Unmarshal(fmt.Appendf(nil, replicaSetItem, 1), &object); err != nil {
			t.Fatal(err)
		}
		var many []any
		for i := range containers {
			many = append(many, map[string]any{"name": fmt.Sprint("c", i), "image": "registry.example/web:1"})
		}
		object["spec"].(map[string]any)["template"] = map[string]any{"spec": map[string]any{"containers": many}}
		text, err := json.Marshal(map[string]any{"items": []any{object}})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	cost := func(text []byte) float64 {
		return testing.AllocsPerRun(20, func() {
			if _, _, err := readBrief(text, gvk); err != nil {
				t.Error(err)
			}
		})
	}
	if few, many := cost(list(1)), cost(list(1000)); many > few+5 {
		t.Errorf("with 1 container it takes %v allocations, with 1,000 it takes %v", few, many)
	}
}
