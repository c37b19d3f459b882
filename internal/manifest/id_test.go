package manifest

import (
	"strings"
	"testing"
	"unsafe"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestInterned: an interned identity equals the original, also as the key of a map, and
// shares its texts with others.
func TestInterned(t *testing.T) {
	id := ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	copied := ID{strings.Clone(id.Group), strings.Clone(id.Kind), strings.Clone(id.Namespace), strings.Clone(id.Name)}
	one, other := id.Interned(), copied.Interned()
	if one != id || !(map[ID]bool{id: true})[other] {
		t.Errorf("the interned identity is %v, want %v", one, id)
	}
	if unsafe.StringData(one.Name) != unsafe.StringData(other.Name) || unsafe.StringData(one.Kind) != unsafe.StringData(other.Kind) {
		t.Error("two interned identities of one object have texts of their own")
	}
}

// TestObjectKind: an object reports the same kind as Unstructured, whatever its manifest
// has.
func TestObjectKind(t *testing.T) {
	for _, written := range []map[string]any{
		{"apiVersion": "apps/v1", "kind": "Deployment"},
		{"apiVersion": "v1", "kind": "Secret"},
		{"apiVersion": "a/b/c", "kind": "Deployment"},
		{"apiVersion": int64(1), "kind": []any{"Secret"}},
		{},
		nil,
	} {
		u := &unstructured.Unstructured{Object: written}
		o := &Object{Unstructured: u}
		if o.GetKind() != u.GetKind() || o.GetAPIVersion() != u.GetAPIVersion() || o.GroupVersionKind() != u.GroupVersionKind() {
			t.Errorf("of %v: %s, %q and %q; want %s, %q and %q", written, o.GroupVersionKind(), o.GetKind(), o.GetAPIVersion(),
				u.GroupVersionKind(), u.GetKind(), u.GetAPIVersion())
		}
	}
}
