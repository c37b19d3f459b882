package plan

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// allocated stands in a plan for a value that the cluster chooses at each apply: the
// value that it chose for the dry-run is no promise.
const allocated = "(chosen when it is applied)"

// allocatedFields are the fields of a Service's spec that the API server fills from a
// pool, if they are not written. No other built-in kind has any that a change fills.
var allocatedFields = []string{"clusterIP", "clusterIPs", "healthCheckNodePort"}

// withoutAllocated returns the result of a dry-run, with a placeholder for the values
// that the cluster has chosen for it alone: those of a Service that neither the running
// object has nor the revision writes.
func withoutAllocated(after, running, written *unstructured.Unstructured) *unstructured.Unstructured {
	if after.GroupVersionKind().GroupKind().String() != "Service" {
		return after
	}
	known := map[string]bool{}
	for _, u := range []*unstructured.Unstructured{running, written} {
		eachAllocated(u, func(value any) any {
			known[fmt.Sprint(value)] = true
			return value
		})
	}
	after = after.DeepCopy()
	eachAllocated(after, func(value any) any {
		if known[fmt.Sprint(value)] {
			return value
		}
		return allocated
	})
	return after
}

// eachAllocated puts the result of f in the place of each value of a Service that the
// cluster may have chosen.
func eachAllocated(service *unstructured.Unstructured, f func(value any) any) {
	spec, _ := service.Object["spec"].(map[string]any)
	for _, field := range allocatedFields {
		replaceIn(spec, field, f)
	}
	ports, _ := spec["ports"].([]any)
	for _, port := range ports {
		if fields, ok := port.(map[string]any); ok {
			replaceIn(fields, "nodePort", f)
		}
	}
}

func replaceIn(fields map[string]any, field string, f func(value any) any) {
	switch value := fields[field].(type) {
	case nil:
	case []any:
		for i := range value {
			value[i] = f(value[i])
		}
	default:
		fields[field] = f(value)
	}
}
