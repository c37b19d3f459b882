package plain

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/manifest"
)

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

func TestParts(t *testing.T) {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"extra/a.yaml": configMap("a"), "extra/b.json": `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}}`,
		"extra/deep/c.yml": configMap("c"), "extra/.hidden.yaml": "x: [", "extra/README.md": "# no manifest",
		"extra/left.yaml": "x: [", "extra/.pushboatignore": "left.yaml\n",
		"more/one/d.yaml": configMap("d"), "more/two/e.yaml": configMap("e"), "more/.off/f.yaml": configMap("f"),
		"empty/notes.txt": "", "chart/Chart.yaml": "name: x", "single.yaml": configMap("s"),
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for _, tt := range []struct {
		name     string
		parts    []string
		want     string
		problems []string
	}{
		{"a file", []string{"single.yaml"}, "s", nil},
		{"a folder and below", []string{"extra"}, "a b c", nil},
		{"a glob of files", []string{"extra/*.yaml"}, "a", nil},
		{"a glob passes over what is no manifest", []string{"extra/*"}, "a b c", nil},
		{"a glob of folders", []string{"more/*"}, "d e", nil},
		{"a glob in the middle", []string{"more/*/e.yaml"}, "e", nil},
		{"what several name is there once", []string{"extra/a.yaml", "extra", "*/a.yaml"}, "a b c", nil},
		{"an ignored file that is named", []string{"extra/left.yaml"}, "", []string{"extra/left.yaml:1: "}},
		{"no such file", []string{"none.yaml"}, "", []string{"pushboat.yaml:1: manifests: there is no file or folder none.yaml"}},
		{"a glob that matches nothing", []string{"single.yaml", "none/*.yaml"}, "s", []string{"pushboat.yaml:2: manifests: there is no manifest in none/*.yaml"}},
		{"a folder without manifests", []string{"empty"}, "", []string{"pushboat.yaml:1: manifests: there is no manifest in empty"}},
		{"no manifest by its name", []string{"extra/README.md"}, "", []string{"pushboat.yaml:1: manifests: extra/README.md is no manifest by its name"}},
		{"a chart", []string{"chart"}, "", []string{"chart/Chart.yaml: this folder is the input of Helm"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var parts []Part
			for i, p := range tt.parts {
				parts = append(parts, Part{p, manifest.Source{File: "pushboat.yaml", Line: i + 1}})
			}
			read, problems := Render(files, Folder{Path: "chart", Parts: parts})
			var names, told []string
			for _, o := range read.Objects {
				names = append(names, o.GetName())
			}
			for _, p := range problems {
				told = append(told, p.Source.String()+": "+p.Message)
			}
			slices.Sort(names)
			if got := strings.Join(names, " "); got != tt.want {
				t.Errorf("rendered %q, want %q", got, tt.want)
			}
			if !slices.EqualFunc(told, tt.problems, strings.HasPrefix) {
				t.Errorf("problems %q, want %q", told, tt.problems)
			}
		})
	}
}
