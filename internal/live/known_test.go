package live

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
)

// TestKnown: an object in a new version is not known, and neither is an object of which
// only metadata was listed.
func TestKnown(t *testing.T) {
	x := New(t.Context(), unasked(t), owner.DefaultTools, quiet())
	f := &follow{index: x, kind: kube.Kind{GVK: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, Namespaced: true}}
	id := manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: "settings"}
	object := func(uid types.UID, version string) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Namespace: id.Namespace, Name: id.Name, UID: uid, ResourceVersion: version,
		}}
	}
	if _, ok := f.known(object("a", "7")); ok {
		t.Error("an object that was never reported is known")
	}
	x.put(Entry{ID: id, PartOf: "set", UID: "a", ResourceVersion: "7"})
	for _, test := range []struct {
		name string
		of   any
		want bool
	}{
		{"the same version", object("a", "7"), true},
		{"a later version", object("a", "8"), false},
		{"another object of the name", object("b", "7"), false},
		{"no version", object("a", ""), false},
		{"no object", "text", false},
	} {
		if _, ok := f.known(test.of); ok != test.want {
			t.Errorf("%s is known: %v, want %v", test.name, ok, test.want)
		}
	}
	x.put(Entry{ID: id, PartOf: "set", UID: "a", ResourceVersion: "9", partial: true})
	if _, ok := f.known(object("a", "9")); ok {
		t.Error("an object is known although only its metadata was listed")
	}
}
