package plan

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

func TestCopyField(t *testing.T) {
	const from = "{spec: {replicas: 3, list: [{x: 1}, {x: 2}], a/b: {~c: 5}, \"null\": null}}"
	for name, test := range map[string]struct{ to, pointer, want string }{
		"a field":                     {"{spec: {}}", "/spec/replicas", "{spec: {replicas: 3}}"},
		"one that is written":         {"{spec: {replicas: 1}}", "/spec/replicas", "{spec: {replicas: 3}}"},
		"in a list":                   {"{spec: {list: [{}, {}]}}", "/spec/list/1/x", "{spec: {list: [{}, {x: 2}]}}"},
		"first in a list":             {"{spec: {list: [{}, {}]}}", "/spec/list/0/x", "{spec: {list: [{x: 1}, {}]}}"},
		"with escapes":                {"{spec: {a/b: {}}}", "/spec/a~1b/~0c", "{spec: {a/b: {~c: 5}}}"},
		"one that does not run":       {"{spec: {}}", "/spec/other", "{spec: {}}"},
		"one that runs as null":       {"{spec: {}}", "/spec/null", "{spec: {}}"},
		"below what is not there":     {"{}", "/spec/replicas", "{}"},
		"below what does not run":     {"{status: {}}", "/status/phase", "{status: {}}"},
		"beyond the list":             {"{spec: {list: [{}, {}]}}", "/spec/list/2/x", "{spec: {list: [{}, {}]}}"},
		"before the list":             {"{spec: {list: [{}, {}]}}", "/spec/list/-1/x", "{spec: {list: [{}, {}]}}"},
		"no number in the list":       {"{spec: {list: [{}, {}]}}", "/spec/list/x/x", "{spec: {list: [{}, {}]}}"},
		"an element of a list itself": {"{spec: {list: [{}, {}]}}", "/spec/list/0", "{spec: {list: [{}, {}]}}"},
		"below a text":                {"{spec: text}", "/spec/replicas", "{spec: text}"},
	} {
		u := func(text string) *unstructured.Unstructured {
			var fields map[string]any
			if err := yaml.Unmarshal([]byte(text), &fields); err != nil {
				t.Fatal(err)
			}
			return &unstructured.Unstructured{Object: fields}
		}
		to := u(test.to)
		copyField(to, u(from), test.pointer)
		got, _ := yaml.Marshal(to.Object)
		if want, _ := yaml.Marshal(u(test.want).Object); string(got) != string(want) {
			t.Errorf("%s: it becomes\n%swant\n%s", name, got, want)
		}
	}
}

// appliedFields says that Pushboat owns fields.
func appliedFields(fields string) []metav1.ManagedFieldsEntry {
	return []metav1.ManagedFieldsEntry{{
		Manager: kube.FieldManager, Operation: metav1.ManagedFieldsOperationApply, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
	}}
}

// TestIgnoredElements: fields of elements of lists that a condition selects keep the values that
// they have on the cluster, wherever the elements stand in the two lists, and whether the
// condition holds in the revision, on the cluster, or in both.
func TestIgnoredElements(t *testing.T) {
	const (
		ours = `{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{` +
			`"k:{\"name\":\"web\"}":{".":{},"f:name":{},"f:image":{}},` +
			`"k:{\"name\":\"proxy\"}":{".":{},"f:name":{},"f:image":{},"f:args":{}},` +
			`"k:{\"name\":\"old\"}":{".":{},"f:name":{},"f:image":{}}}}}}}`
		running = `[{name: injected, image: x}, {name: proxy, image: "proxy:2", args: [-a], tty: true}, {name: web, image: "web:1"}, {name: old, image: o}]`
	)
	for name, test := range map[string]struct{ jq, written, want string }{
		"a field of one": {
			`.spec.template.spec.containers[] | select(.name == "proxy") | .image`,
			`[{name: web, image: "web:2"}, {name: proxy, image: "proxy:1", args: [-b]}]`,
			`[{"image":"web:2","name":"web"},{"args":["-b"],"image":"proxy:2","name":"proxy"}]`,
		},
		"all of one": {
			`.spec.template.spec.containers[] | select(.name == "proxy")`,
			`[{name: web, image: "web:2"}, {name: proxy, image: "proxy:1"}, {name: last, image: l}]`,
			`[{"args":["-a"],"image":"proxy:2","name":"proxy"},{"image":"web:2","name":"web"},{"image":"l","name":"last"}]`,
		},
		"one that is not in the revision": {
			`.spec.template.spec.containers[] | select(.name == "old")`,
			`[{name: web, image: "web:2"}]`,
			`[{"image":"web:2","name":"web"},{"image":"o","name":"old"}]`,
		},
		"one that others have": {
			`.spec.template.spec.containers[] | select(.name == "injected")`,
			`[{name: injected, image: y}, {name: web, image: "web:2"}]`,
			`[{"image":"web:2","name":"web"}]`,
		},
		"one that does not run": {
			`.spec.template.spec.containers[] | select(.name == "new")`,
			`[{name: new, image: n}, {name: web, image: "web:2"}]`,
			`[{"image":"web:2","name":"web"}]`,
		},
		"a field that is new": {
			`.spec.template.spec.containers[] | select(.name == "web") | .args`,
			`[{name: web, image: "web:2", args: [-x]}]`,
			`[{"image":"web:2","name":"web"}]`,
		},
		"a condition that holds in the revision": {
			`.spec.template.spec.containers[] | select(.image == "web:2")`,
			`[{name: proxy, image: "proxy:1"}, {name: web, image: "web:2"}]`,
			`[{"image":"proxy:1","name":"proxy"},{"image":"web:1","name":"web"}]`,
		},
		"a condition that holds on the cluster": {
			`.spec.template.spec.containers[] | select(.image == "proxy:2") | .image`,
			`[{name: web, image: "web:2"}, {name: proxy, image: "proxy:1"}]`,
			`[{"image":"web:2","name":"web"},{"image":"proxy:2","name":"proxy"}]`,
		},
		"a condition on another object's part": {
			`select(.spec.replicas == 3) | .spec.template`,
			`[{name: web, image: "web:2"}]`,
			`[{"image":"x","name":"injected"},{"args":["-a"],"image":"proxy:2","name":"proxy","tty":true},{"image":"web:1","name":"web"},{"image":"o","name":"old"}]`,
		},
		"a condition that fails": {
			`.spec.template.spec.containers[] | select(.image | startswith(1))`,
			`[{name: web, image: "web:2"}]`,
			`[{"image":"web:2","name":"web"}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Target.Spec.Ignore = []appfile.Ignore{{Kind: "Deployment", JQ: []string{test.jq}}}
			deployment := func(replicas, containers string) string {
				return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: " + replicas + ", template: {spec: {containers: " + containers + "}}}\n"
			}
			u := manifesttest.Parsed(t, deployment("3", running))[0].Unstructured
			u.SetManagedFields(appliedFields(ours))
			objects, problems := w.resolved(deployment("1", test.written))
			wantProblems(t, problems)
			o := objects[0]
			o.Object = o.Copy()
			w.keepIgnored(o, u)
			containers, _, _ := unstructured.NestedSlice(o.Object.Object, "spec", "template", "spec", "containers")
			if got, err := json.Marshal(containers); err != nil || string(got) != test.want {
				t.Errorf("applied are\n%s, want\n%s (%v)", got, test.want, err)
			}
			whole, _, _ := unstructured.NestedSlice(o.createWhole().Object, "spec", "template", "spec", "containers")
			written := manifesttest.Parsed(t, deployment("1", test.written))[0]
			if want, _, _ := unstructured.NestedSlice(written.Object, "spec", "template", "spec", "containers"); !reflect.DeepEqual(whole, want) {
				t.Errorf("created are %v", whole)
			}
		})
	}
}

// TestIgnoredConcealed: what is concealed in elements that move, or that are kept from the
// cluster, stays so.
func TestIgnoredConcealed(t *testing.T) {
	w := newWorld(t)
	w.Target.Spec.Ignore = []appfile.Ignore{{Kind: "Deployment", JQ: []string{`.spec.template.spec.containers[] | select(.name == "proxy")`}}}
	const text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: proxy, args: [s3]}, {name: web, args: [s3]}]}}}\n"
	written := manifesttest.Parsed(t, text)[0]
	written.Conceal("/spec/template/spec/containers/0/args", "/spec/template/spec/containers/1/args")
	placed := Place(w.Target, written, kube.Kind{Namespaced: true})
	if got := placed.Concealed(); len(got) != 1 || got[0] != "/spec/template/spec/containers/0/args" {
		t.Errorf("without the element, concealed is %q", got)
	}
	u := manifesttest.Parsed(t, text)[0].Unstructured
	u.SetManagedFields(appliedFields(`{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"proxy\"}":{".":{},"f:name":{},"f:args":{}}}}}}}`))
	placed.Object = placed.Copy()
	w.keepIgnored(placed, u)
	if got := placed.Concealed(); len(got) != 2 {
		t.Errorf("with the element, concealed is %q", got)
	}
	if got := written.Concealed(); len(got) != 2 {
		t.Errorf("of the written object, concealed is %q", got)
	}
}

// TestIgnoringTakesTooLong: the plan says so.
func TestIgnoringTakesTooLong(t *testing.T) {
	w := newWorld(t)
	slow := `.data | select([1]` + strings.Repeat(" | [.[], .[]]", 20) + ` | any) | .value`
	w.Target.Spec.Ignore = []appfile.Ignore{{Kind: "ConfigMap", JQ: []string{slow}}}
	plan, problems := w.planned(config("a", "1"))
	wantProblems(t, problems)
	if got := plan.Steps[0].Note; !strings.HasSuffix(got, "takes more than 200000 steps, and has no effect") {
		t.Errorf("the note is %q", got)
	}
}
