package meaning

import (
	"testing"
	"testing/fstest"
)

func TestForeignFiles(t *testing.T) {
	tree := fstest.MapFS{}
	want := map[string]bool{}
	for _, test := range []struct {
		name, text string
		foreign    bool
	}{
		{"values.yaml", "a: 1\n", true},
		{"templated.yaml", "a: {{ .b }}\n", true},
		{"nothing.yaml", "a:\n  {}\n", true},
		{"indented.yaml", "\n  {kind: ConfigMap}\n", false},
		{"list.yml", "- hosts: all\n", true},
		{"few.yaml", "values: {kind: a}\nmetadata: {}\n", true},
		{"kustomization.yaml", "resources: [a.yaml]\n", true},
		{"object.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", false},
		{"kind.yaml", "apiVersion: v1\nkind: ConfigMap\n", false},
		{"quoted.yaml", "\"kind\": ConfigMap\n", false},
		{"flow.yaml", "{kind: ConfigMap}\n", false},
		{"inside.yaml", "a:\n  apiVersion: v1\n  kind: A\n  metadata: {}\n", false},
		{"second.yaml", "---\na: 1\n---\nkind: ConfigMap\n", false},
		{"empty.yaml", "# nothing\n---\n\n", false},
		{"a.json", "[]", false},
	} {
		if got := IsForeign(test.name, []byte(test.text)); got != test.foreign {
			t.Errorf("%s: %v", test.name, got)
		}
		tree["apps/"+test.name] = &fstest.MapFile{Data: []byte(test.text)}
		want["apps/"+test.name] = test.foreign
	}
	scan := (&Scanner{}).Scan(World{Tree: tree})
	for name, foreign := range want {
		if got := scan.Foreign(name); got != foreign {
			t.Errorf("scanned, %s: %v", name, got)
		}
	}
	if scan.Foreign("apps") || scan.Foreign("none/values.yaml") {
		t.Error("a folder, or a file that is not there, is foreign")
	}
}
