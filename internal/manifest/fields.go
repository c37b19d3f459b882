package manifest

import (
	"sort"

	"k8s.io/apimachinery/pkg/runtime"
)

// serverFields are fields that only the cluster writes. A manifest that has
// them was exported from a cluster: applied, they would be refused
// (managedFields, uid), lead to conflicts with oneself (resourceVersion) or to
// endless fights with the controller that writes them.
var serverFields = [][]string{
	{"status"},
	{"metadata", "managedFields"},
	{"metadata", "resourceVersion"},
	{"metadata", "uid"},
	{"metadata", "generation"},
	{"metadata", "selfLink"},
	{"metadata", "creationTimestamp"},
	{"metadata", "deletionTimestamp"},
	{"metadata", "deletionGracePeriodSeconds"},
	{"metadata", "annotations", lastApplied},
	{"metadata", "annotations", "deployment.kubernetes.io/revision"},
	{"metadata", "annotations", "pushboat/hook"},
	{"metadata", "annotations", "pushboat/hook-run"},
}

// lastApplied is where kubectl apply keeps a copy of its whole input, secret values
// included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// dropServerFields removes serverFields from an object, and the null
// creationTimestamp that Go programs write into every metadata, such as that
// of a pod template.
func dropServerFields(object map[string]any) {
	for _, path := range serverFields {
		dropField(object, path)
	}
	dropNullTimes(object)
}

// dropField removes the field at a path of mappings, if it is there.
func dropField(object map[string]any, path []string) {
	parent := object
	for _, step := range path[:len(path)-1] {
		next, ok := parent[step].(map[string]any)
		if !ok {
			return
		}
		parent = next
	}
	delete(parent, path[len(path)-1])
}

func dropNullTimes(value any) {
	switch value := value.(type) {
	case map[string]any:
		if metadata, ok := value["metadata"].(map[string]any); ok {
			if at, written := metadata["creationTimestamp"]; written && at == nil {
				delete(metadata, "creationTimestamp")
			}
		}
		for _, child := range value {
			dropNullTimes(child)
		}
	case []any:
		for _, child := range value {
			dropNullTimes(child)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// copyOf returns a deep copy that may be changed.
func copyOf(object map[string]any) map[string]any { return runtime.DeepCopyJSON(object) }
