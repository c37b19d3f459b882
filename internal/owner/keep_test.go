package owner

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
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
	KeepInLists(made, running, func(path fieldpath.Path) bool { return strings.HasSuffix(path.String(), ".clientConfig.caBundle") })
	want := map[string]any{"webhooks": []any{hook("new", ""), hook("c", "kept"), hook("b", ""), hook("a", "ours")}}
	if !reflect.DeepEqual(made, want) {
		t.Errorf("got %v, want %v", made, want)
	}
	KeepInLists(made, running, func(fieldpath.Path) bool { return false })
	if !reflect.DeepEqual(made, want) {
		t.Error("what does not pass was copied")
	}
}

// TestKeepElements: an element that is kept as a whole is made where the other version does not
// have it, in its place among the others, with what Pushboat owns of it.
func TestKeepElements(t *testing.T) {
	running := map[string]any{
		"metadata": map[string]any{"finalizers": []any{"one", "two", "three"}},
		"spec": map[string]any{"containers": []any{
			map[string]any{"name": "init", "image": "i", "args": []any{"-v"}, "theirs": "x", "env": []any{map[string]any{"name": "A", "value": "a"}}},
			map[string]any{"name": "web", "image": "w"},
			map[string]any{"name": "bare", "image": "b"},
			map[string]any{"name": "last", "image": "l", "ports": []any{map[string]any{"port": int64(80), "protocol": "TCP", "hostPort": int64(8080)}}},
		}},
	}
	const owned = `{"f:metadata":{"f:finalizers":{"v:\"one\"":{},"v:\"two\"":{},"v:\"three\"":{}}},"f:spec":{"f:containers":{` +
		`"k:{\"name\":\"init\"}":{".":{},"f:name":{},"f:image":{},"f:args":{},"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}}},` +
		`"k:{\"name\":\"web\"}":{".":{},"f:name":{},"f:image":{}},"k:{\"name\":\"bare\"}":{".":{}},` +
		`"k:{\"name\":\"last\"}":{".":{},"f:name":{},"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{},"f:hostPort":{}}}}}}}`
	const (
		first = `{"args":["-v"],"env":[{"name":"A","value":"a"}],"image":"i","name":"init"}`
		last  = `{"name":"last","ports":[{"hostPort":8080,"port":80,"protocol":"TCP"}]}`
	)
	for name, test := range map[string]struct{ kept, made, want string }{
		"the first":              {"init", `{"spec":{"containers":[{"name":"web"}]}}`, `{"spec":{"containers":[` + first + `,{"name":"web"}]}}`},
		"the last":               {"last", `{"spec":{"containers":[{"name":"web"}]}}`, `{"spec":{"containers":[{"name":"web"},` + last + `]}}`},
		"among others":           {"web", `{"spec":{"containers":[{"name":"last"},{"name":"new"},{"name":"init"}]}}`, `{"spec":{"containers":[{"image":"w","name":"web"},{"name":"last"},{"name":"new"},{"name":"init"}]}}`},
		"with nothing but a key": {"bare", `{"spec":{"containers":[{"name":"last"}]}}`, `{"spec":{"containers":[{"name":"bare"},{"name":"last"}]}}`},
		"that is there":          {"bare", `{"spec":{"containers":[{"name":"bare","x":1}]}}`, `{"spec":{"containers":[{"name":"bare","x":1}]}}`},
		"in an empty list":       {"last", `{"spec":{"containers":[]}}`, `{"spec":{"containers":[` + last + `]}}`},
		"without a list":         {"last", `{"spec":{}}`, `{"spec":{}}`},
		"where a text is":        {"last", `{"spec":"x"}`, `{"spec":"x"}`},
		"in a list of texts":     {"two", `{"metadata":{"finalizers":["three","four"]}}`, `{"metadata":{"finalizers":["two","three","four"]}}`},
		"a text that is there":   {"two", `{"metadata":{"finalizers":["two"]}}`, `{"metadata":{"finalizers":["two"]}}`},
		"of which some are kept": {"value", `{"spec":{"containers":[{"name":"init","env":[{"name":"A"}]}]}}`, `{"spec":{"containers":[{"env":[{"name":"A","value":"a"}],"name":"init"}]}}`},
		"of which some are kept, without the element": {"value", `{"spec":{"containers":[{"name":"init","env":[]}]}}`, `{"spec":{"containers":[{"env":[],"name":"init"}]}}`},
	} {
		u := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(running)}
		u.SetManagedFields([]metav1.ManagedFieldsEntry{entryOf("pushboat", metav1.ManagedFieldsOperationApply, "", owned)})
		made := fields(t, test.made)
		delete(made, "apiVersion")
		delete(made, "kind")
		KeepInLists(made, u, func(path fieldpath.Path) bool {
			text := path.String()
			return strings.Contains(text, `"`+test.kept+`"`) || strings.HasSuffix(text, "."+test.kept)
		})
		if got, err := json.Marshal(made); err != nil || string(got) != test.want {
			t.Errorf("%s: %s, want %s (%v)", name, got, test.want, err)
		}
	}
}
