package owner

import (
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestKeepInLists: what Pushboat owns in elements of lists is kept under their keys, wherever
// these stand. What others own, and what the new version does not have the element for, is not.
func TestKeepInLists(t *testing.T) {
	hook := func(name, bundle string) any {
		config := map[string]any{}
		if bundle != "" {
			config["caBundle"] = bundle
		}
		return map[string]any{"name": name, "clientConfig": config}
	}
	running := &unstructured.Unstructured{Object: map[string]any{"webhooks": []any{hook("a", "ours"), hook("b", "theirs"), hook("gone", "ours"), hook("c", "kept")}}}
	const owned = `{".":{},"f:name":{},"f:clientConfig":{"f:caBundle":{}}}`
	running.SetManagedFields([]metav1.ManagedFieldsEntry{
		entryOf("pushboat", metav1.ManagedFieldsOperationApply, "", `{"f:webhooks":{"k:{\"name\":\"a\"}":`+owned+`,"k:{\"name\":\"b\"}":{".":{},"f:name":{}},"k:{\"name\":\"gone\"}":`+owned+`,"k:{\"name\":\"c\"}":`+owned+`}}`),
		entryOf("injector", metav1.ManagedFieldsOperationUpdate, "", `{"f:webhooks":{"k:{\"name\":\"b\"}":{"f:clientConfig":{"f:caBundle":{}}}}}`),
	})
	made := map[string]any{"webhooks": []any{hook("new", ""), hook("c", ""), hook("b", ""), hook("a", "")}}
	KeepInLists(made, running, func(pointer string) bool { return strings.HasSuffix(pointer, "/clientConfig/caBundle") })
	want := map[string]any{"webhooks": []any{hook("new", ""), hook("c", "kept"), hook("b", ""), hook("a", "ours")}}
	if !reflect.DeepEqual(made, want) {
		t.Errorf("got %v, want %v", made, want)
	}
	KeepInLists(made, running, func(string) bool { return false })
	if !reflect.DeepEqual(made, want) {
		t.Error("what does not pass was copied")
	}
}
