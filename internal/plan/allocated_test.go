package plan

import (
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func service(spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Service", "spec": spec}}
}

func ports(nodePorts ...any) []any {
	var list []any
	for _, port := range nodePorts {
		fields := map[string]any{"port": int64(80)}
		if port != nil {
			fields["nodePort"] = port
		}
		list = append(list, fields)
	}
	return list
}

func TestWithoutAllocated(t *testing.T) {
	running := service(map[string]any{"clusterIP": "None", "clusterIPs": []any{"None"}, "ports": ports(int64(30001), nil)})
	written := service(map[string]any{"ports": ports(nil, int64(30002))})
	after := service(map[string]any{
		"clusterIP": "10.0.0.7", "clusterIPs": []any{"10.0.0.7"}, "healthCheckNodePort": int64(31000),
		"ports": ports(int64(30001), int64(30002), int64(30003)),
	})
	want := service(map[string]any{
		"clusterIP": allocated, "clusterIPs": []any{allocated}, "healthCheckNodePort": allocated,
		"ports": ports(int64(30001), int64(30002), allocated),
	})
	if got := withoutAllocated(after, running, written); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if after.Object["spec"].(map[string]any)["clusterIP"] != "10.0.0.7" {
		t.Error("the result of the dry-run itself is changed")
	}
	for _, odd := range []map[string]any{nil, {"ports": "x"}, {"ports": []any{"x"}}} {
		withoutAllocated(service(odd), running, written)
	}
	other := &unstructured.Unstructured{Object: map[string]any{"kind": "ConfigMap", "spec": map[string]any{"clusterIP": "10.0.0.7"}}}
	if got := withoutAllocated(other, running, written); got != other {
		t.Error("an object of another kind is changed")
	}
}
