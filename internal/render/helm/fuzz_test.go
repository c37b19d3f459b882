package helm

import (
	"encoding/json"
	"errors"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/pushboat/pushboat/internal/appfile"
)

func newRelease(values ...appfile.HelmValues) Release {
	return Release{Name: "shop", Settings: appfile.Helm{Values: values}, Cluster: Offline()}
}

// FuzzValues: whatever files of values contain, rendering returns the chart's object, or a
// problem that names a file of the repository.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{"a: b", "a: [", "a: &a [*a]", "<<: {a: 1}", "---\na: 1\n---\nb: 2", "3", "global: 1", "a: {b: null}", "tags: []", "\ufeffa: 1", "a: 1e999"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, own, given string) {
		fsys := fstest.MapFS{
			"app/Chart.yaml": {Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")}, "app/values.yaml": {Data: []byte(own)}, "app/v.yaml": {Data: []byte(given)},
			"app/templates/a.yaml":   {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: {{ .Values | toJson | quote }}}\n")},
			"app/values.schema.json": {Data: []byte(`{"properties": {"a": {"type": "string"}}}`)},
		}
		objects, problems := Render(t.Context(), fsys, "app", newRelease(appfile.HelmValues{File: "v.yaml", Line: 1}))
		if len(problems) == 0 && len(objects) != 1 {
			t.Errorf("%d objects and no problem", len(objects))
		}
		for _, p := range problems {
			if p.Message == "" || p.Source.Line < 0 || p.Source.File != appfile.Name && fsys[p.Source.File] == nil {
				t.Errorf("problem %#v", p)
			}
		}
	})
}

// FuzzTemplateProblem: a message of the template engine, which a template can control,
// names no file outside the chart's folder.
func FuzzTemplateProblem(f *testing.F) {
	for _, seed := range []string{
		"execution error at (web/templates/a.yaml:3:4): no", "web/../../etc/passwd:1", "web/templates/a.yaml:99999999999999999999", "web/a:1: web/b:2:3",
		"parse error at (web/templates/a.yaml:1): x", "", "web/:1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		r := &renderer{folder: "apps/shop", chart: &chart.Chart{Metadata: &chart.Metadata{Name: "web"}}}
		r.templateProblem(errors.New(message))
		for _, p := range r.problems {
			if p.Source.File != path.Clean(p.Source.File) || !strings.HasPrefix(p.Source.File, "apps/shop/") || p.Source.Line < 0 {
				t.Errorf("problem %#v", p)
			}
		}
	})
}

// FuzzSchema: an accepted schema loads nothing.
func FuzzSchema(f *testing.F) {
	for _, seed := range []string{
		`{"$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}}`, `{"$ref": "file:///dev/null"}`, `{"$id": "x:y", "$ref": "x:z"}`,
		`{"$schema": "http://json-schema.org/draft-07/schema#"}`, `{"allOf": [{"$ref": "a.json"}, {"$id": "a.json"}]}`, `{"$id": "urn:a", "$ref": "b"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, schema string) {
		if !json.Valid([]byte(schema)) {
			return
		}
		r := &renderer{folder: "app", chart: &chart.Chart{Metadata: &chart.Metadata{Name: "web"}, Schema: []byte(schema)}}
		if r.checkReferences(r.chart); len(r.problems) > 0 {
			return
		}
		err := util.ValidateAgainstSingleSchema(map[string]any{"a": "b"}, []byte(schema))
		if err != nil && strings.Contains(err.Error(), "failing loading") && !strings.Contains(err.Error(), `loading ""`) {
			t.Errorf("%s: %v", schema, err)
		}
	})
}
