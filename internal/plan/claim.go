package plan

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
)

var StorageClass = schema.GroupKind{Group: "storage.k8s.io", Kind: "StorageClass"}

// firstConsumer is the volumeBindingMode of a class whose claims are bound when the
// first pod that uses them is scheduled.
const FirstConsumer = "WaitForFirstConsumer"

// bindsLate reports whether the target has a class that binds for the first consumer:
// it may come in a later wave than its claims.
func (t *Target) BindsLate(class string) bool {
	o := t.Object(manifest.ID{Group: StorageClass.Group, Kind: StorageClass.Kind, Name: class})
	return o != nil && BindingMode(o.Unstructured) == FirstConsumer
}

func BindingMode(class *unstructured.Unstructured) string {
	mode, _, _ := unstructured.NestedString(class.Object, "volumeBindingMode")
	return mode
}
