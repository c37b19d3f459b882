package plan

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
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
