package helm

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
)

// TestChartsThatAsk: everything that can make a chart depend on the cluster is found, and
// an independent chart is not rendered again because of the cluster.
func TestChartsThatAsk(t *testing.T) {
	const plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for _, tt := range []struct {
		name   string
		files  map[string]string
		values string
		want   bool
	}{
		{"no question", nil, "", false},
		{"a template", map[string]string{"templates/b.yaml": `{{ if .Capabilities.APIVersions.Has "x/v1" }}{{ end }}`}, "", true},
		{"the version", map[string]string{"templates/b.yaml": `{{ if semverCompare ">=1.30" $.Capabilities.KubeVersion.Version }}{{ end }}`}, "", true},
		{"by its name", map[string]string{"templates/_b.tpl": `{{ define "b" }}{{ index . "Capabilities" }}{{ end }}`}, "", true},
		{"a range of versions", map[string]string{"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\nkubeVersion: '>=1.20.0-0'\n"}, "", true},
		{"a dependency", map[string]string{"charts/d/Chart.yaml": "apiVersion: v2\nname: d\nversion: 1.0.0\n", "charts/d/templates/b.yaml": "{{/* .Capabilities */}}"}, "", true},
		{"a value", nil, `{"text": "{{ .Capabilities }}"}`, true},
		{"a value of its own", map[string]string{"values.yaml": "text: '{{ .Capabilities }}'"}, "", true},
		{"a file", map[string]string{"files/a.tpl": "{{ .Capabilities }}"}, "", true},
		{"a text for people", map[string]string{"README.md": "It asks .Capabilities."}, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := fstest.MapFS{"c/Chart.yaml": {Data: []byte("apiVersion: v2\nname: c\nversion: 1.0.0\n")}, "c/templates/a.yaml": {Data: []byte(plain)}}
			for name, text := range tt.files {
				files["c/"+name] = &fstest.MapFile{Data: []byte(text)}
			}
			asked := false
			release := Release{Name: "a", Cluster: Offline(), Asks: func() { asked = true }}
			if tt.values != "" {
				release.Settings.Values = []appfile.HelmValues{{Inline: []byte(tt.values)}}
			}
			if _, problems := Render(t.Context(), files, "c", release); len(problems) > 0 && !strings.Contains(tt.name, "name") {
				t.Fatal(problems)
			}
			if asked != tt.want {
				t.Errorf("asks: %v, want %v", asked, tt.want)
			}
		})
	}
}
