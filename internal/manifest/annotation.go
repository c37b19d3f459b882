package manifest

import "k8s.io/apimachinery/pkg/util/validation"

// MaxAnnotation bounds the value of an annotation of a cluster, in bytes.
const MaxAnnotation = 4 << 10

// IsAnnotation reports whether a cluster may have an annotation: its key is as in Kubernetes, and its
// value is one line without control characters.
func IsAnnotation(key, value string) bool {
	return len(validation.IsQualifiedName(key)) == 0 && len(value) <= MaxAnnotation && Clean(value) == value
}
