package appfile

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func TestManifests(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		want         []Manifests
		problem      string // how the message begins
	}{
		{"paths", "manifests: [extra, ../a/*.yaml]", []Manifests{{"extra", 1}, {"../a/*.yaml", 1}}, ""},
		{"clean", "manifests: [./extra/]", []Manifests{{"extra", 1}}, ""},
		{"text", "manifests: extra", nil, `manifests is "extra", not a list`},
		{"twice", "manifests: [extra, ./extra]", nil, `manifests names "./extra" twice`},
		{"empty", `manifests: [""]`, nil, `manifests: "" is empty`},
		{"absolute", "manifests: [/extra]", nil, `manifests: "/extra" is no path in the repository`},
		{"an address", `manifests: ["https://example.org/a.yaml"]`, nil, `manifests: "https://example.org/a.yaml" is no path`},
		{"two stars", "manifests: [extra/**]", nil, `manifests: "extra/**" has **`},
		{"a bracket", `manifests: ["extra/[a"]`, nil, `manifests: "extra/[a" has a bracket`},
		{"plain", "render: plain, manifests: [extra]", nil, "manifests: has no effect with render: plain"},
		{"kustomize", "render: kustomize, manifests: [extra]", nil, "manifests: has no effect with render: kustomize"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fsys := fstest.MapFS{Name: {Data: []byte("apps: [{path: ., " + tt.fields + "}]")}}
			apps, problems := parseAll(fsys, "shop")
			if tt.problem != "" {
				if len(problems) != 1 || !strings.HasPrefix(problems[0].Message, tt.problem) || problems[0].Source.Line != 1 {
					t.Errorf("problems %v, want %q", problems, tt.problem)
				}
				return
			}
			if len(problems) > 0 || !reflect.DeepEqual(apps[0].Manifests, tt.want) {
				t.Errorf("manifests %v, problems %v, want %v", apps, problems, tt.want)
			}
		})
	}
}
