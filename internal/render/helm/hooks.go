package helm

import (
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// hookAnnotation makes an object of a chart one of its hooks.
const hookAnnotation = "helm.sh/hook"

// withoutHooks are the objects of a chart without its hooks before and after some operations:
// install, upgrade. A hook that is for something else as well is for that alone.
func withoutHooks(objects []*manifest.Object, operations []string) []*manifest.Object {
	if len(operations) == 0 {
		return objects
	}
	return slices.DeleteFunc(objects, func(o *manifest.Object) bool {
		written := o.GetAnnotations()[hookAnnotation]
		if written == "" {
			return false
		}
		var left []string
		skipped := false
		for event := range strings.SplitSeq(written, ",") {
			_, operation, _ := strings.Cut(strings.TrimSpace(event), "-")
			if slices.Contains(operations, operation) {
				skipped = true
			} else {
				left = append(left, event)
			}
		}
		if !skipped || len(left) == 0 {
			return skipped
		}
		annotations := o.GetAnnotations()
		annotations[hookAnnotation] = strings.Join(left, ",")
		o.SetAnnotations(annotations)
		return false
	})
}
