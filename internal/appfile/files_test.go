package appfile

import (
	"reflect"
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	for _, test := range []struct{ pattern, matches, others string }{
		{"*.yaml", "a.yaml b/c.yaml", "a.yml .yamlx"},
		{"**/test/*", "a/test/b a/b/test/c.yaml", "test/a"},
		{"{config.yaml,env-?/*}", "config.yaml env-1/a", "xconfig.yaml env-12/a"},
		{"[a-c]/[!x].yaml", "a/y.yaml", "d/y.yaml a/x.yaml"},
		{`\*.yaml`, "*.yaml", "a.yaml"},
		{"a,b.(x)", "a,b.(x)", "a b.x"},
		{"{a,{b,c}d}", "a bd cd", "ad b"},
		{`[\.[^]`, `\ . [ ^`, "a"},
	} {
		p, err := Pattern(test.pattern)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		for text := range strings.FieldsSeq(test.matches) {
			if !p.MatchString(text) {
				t.Errorf("%s does not match %s", test.pattern, text)
			}
		}
		for text := range strings.FieldsSeq(test.others) {
			if p.MatchString(text) {
				t.Errorf("%s matches %s", test.pattern, text)
			}
		}
	}
	for _, wrong := range []string{"", "a{b", "[a", "[]", "[b-a]", "a\x01", strings.Repeat("a", MaxPattern+1)} {
		if _, err := Pattern(wrong); err == nil {
			t.Errorf("%.20q is a pattern", wrong)
		}
	}
}

// TestSourcesOfApps reads what an app has beside the manifests of its folder, and single values
// of charts.
func TestSourcesOfApps(t *testing.T) {
	apps, problems := parseAll(revision(`
apps:
  - path: deploy
    files: {flat: true, include: ["*.yaml"], exclude: ["{a,b}/*", x]}
    sources:
      - {path: more/, render: plain, files: {flat: true}}
      - path: .
        helm:
          chart: web
          version: 1.2.3
          repo: https://charts.example.org
          skipCRDs: true
          parameters:
            - {name: "a[0].b", value: 1, text: true}
            - {name: c, file: c.txt}
      - path: over
        kustomize: {labels: [{pairs: {a: b}}], commonAnnotations: {c: 1}}
  - path: more/inner
`, "more/inner/a.yaml"), "team/site")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := apps[0]
	want := Files{Flat: true, Include: []string{"*.yaml"}, Exclude: []string{"{a,b}/*", "x"}}
	if !reflect.DeepEqual(got.Files, want) {
		t.Errorf("files %+v, want %+v", got.Files, want)
	}
	sources := []Addition{
		{Path: "more", Render: "plain", Files: Files{Flat: true}, Exclude: []string{"more/inner"}},
		{Path: ".", Render: "auto", Exclude: []string{"deploy", "more/inner"}, Helm: Helm{
			Chart: "web", Version: "1.2.3", Repo: "https://charts.example.org", Line: 9, SkipCRDs: true,
			Parameters: []Parameter{{Name: "a[0].b", Value: "1", Text: true, Line: 14}, {Name: "c", File: "c.txt", Line: 15}},
		}},
		{Path: "over", Render: "auto", Kustomize: Kustomize{Labels: []byte(`[{"pairs":{"a":"b"}}]`), CommonAnnotations: map[string]string{"c": "1"}}},
	}
	if !reflect.DeepEqual(got.Sources, sources) {
		t.Errorf("sources\n%+v, want\n%+v", got.Sources, sources)
	}
	if with := got.With(sources[0]); with.Path != "more" || with.Sources != nil || !with.Files.Flat || len(with.Exclude) != 1 {
		t.Errorf("with the first: %+v", with)
	}
}

func TestWrongSourcesOfApps(t *testing.T) {
	for file, want := range map[string]string{
		"apps: [{files: {include: ['a{']}}]":                 `files.include: "a{" has a brace that is not closed`,
		"apps: [{files: {only: [a]}}]":                       `unknown field "only" in files`,
		"apps: [{render: helm, files: {flat: true}}]":        "files: has no effect with render: helm",
		"apps: [{sources: [{path: ../x}]}]":                  `sources: path: "../x" leads out of the repository`,
		"apps: [{sources: [{path: 'a/*'}]}]":                 `sources: path: "a/*" is a glob`,
		"apps: [{sources: [{helm: {generated: [a]}}]}]":      "sources: helm.generated is only for the app's own chart",
		"apps: [{helm: {parameters: [{value: 1}]}}]":         "an entry of helm.parameters has no name",
		"apps: [{helm: {parameters: [{name: a}]}}]":          "helm.parameters: a has to have a value or a file",
		"apps: [{kustomize: {commonAnnotations: {a: [1]}}}]": "a is a list",
	} {
		_, problems := parseAll(revision(file), "team/site")
		if !strings.Contains(told(problems), want) {
			t.Errorf("%s: problems %s, want %s", file, told(problems), want)
		}
	}
}
