package helm

import (
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
)

func TestParameters(t *testing.T) {
	const template = head + "{{ toJson .Values.p | quote }}\n"
	one := func(name, value string) appfile.Parameter {
		return appfile.Parameter{Name: name, Value: value, Line: 7}
	}
	text := func(name, value string) appfile.Parameter {
		return appfile.Parameter{Name: name, Value: value, Text: true, Line: 8}
	}
	for _, test := range []struct {
		name       string
		parameters []appfile.Parameter
		want       string // the value, or the problem
	}{
		{"a number", []appfile.Parameter{one("p", "2")}, "2"},
		{"text", []appfile.Parameter{text("p", "2")}, `"2"`},
		{"a key", []appfile.Parameter{one(`p.a\.b.c`, "true")}, `{"a.b":{"c":true},"list":[{"x":1},{"x":2}]}`},
		{"a place in a given list", []appfile.Parameter{one("p.list[1].x", "3")}, `{"list":[{"x":1},{"x":3}]}`},
		{"commas", []appfile.Parameter{one("p", `a,,b\,c`)}, `"a,,b,c"`},
		{"a list", []appfile.Parameter{one("p", "{a,b}")}, `["a","b"]`},
		{"texts win", []appfile.Parameter{text("p", "1"), one("p", "2")}, `"1"`},
		{"files win", []appfile.Parameter{{Name: "p", File: "f.txt", Line: 9}, text("p", "1")}, `"in a file"`},
		{"no file", []appfile.Parameter{{Name: "p", File: "g.txt", Line: 9}}, "pushboat.yaml:9: helm: parameters: c/g.txt: there is no such file or folder"},
		{"a file outside", []appfile.Parameter{{Name: "p", File: "../../g", Line: 9}}, `pushboat.yaml:9: helm: parameters: "../../g" leads out of the repository`},
		{"no name of a value", []appfile.Parameter{one("p[x]", "1")}, `pushboat.yaml:7: helm: parameters: p[x]: error parsing index: strconv.Atoi: parsing "x": invalid syntax`},
	} {
		fsys := chartOf(map[string]string{"cm.yaml": template})
		fsys["c/f.txt"] = &fstest.MapFile{Data: []byte("in a file")}
		release := Release{Name: "web", Cluster: Offline(), Settings: appfile.Helm{
			Values: []appfile.HelmValues{{Inline: []byte(`{"p": {"list": [{"x": 1}, {"x": 2}]}}`)}}, Parameters: test.parameters,
		}}
		objects, problems := Render(t.Context(), fsys, "c", release)
		got := problems.Error()
		if len(objects) == 1 && len(problems) == 0 {
			got, _ = objects[0].Object["data"].(map[string]any)["v"].(string)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
