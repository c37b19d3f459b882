package plan

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
)

// copyField sets the field of a pointer to the value it has in from, where
// both objects have its parent.
func copyField(to, from *unstructured.Unstructured, pointer string) {
	source, key := walk(from.Object, pointer)
	sourceMap, _ := source.(map[string]any)
	if sourceMap[key] == nil {
		return
	}
	target, _ := walk(to.Object, pointer)
	if targetMap, ok := target.(map[string]any); ok {
		targetMap[key] = sourceMap[key]
	}
}

// walk follows a pointer to the parent of its last step. The parent is nil if
// the object has no such place.
func walk(root map[string]any, pointer string) (parent any, key string) {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	var at any = root
	for _, step := range steps[:len(steps)-1] {
		at = child(at, manifest.UnescapeStep(step))
	}
	return at, manifest.UnescapeStep(steps[len(steps)-1])
}

func child(at any, step string) any {
	switch at := at.(type) {
	case map[string]any:
		return at[step]
	case []any:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(at) {
			return at[i]
		}
	}
	return nil
}
