package appfile

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestValuesOfObjects: what the data of a ConfigMap or Secret gives a chart.
func TestValuesOfObjects(t *testing.T) {
	data := map[string]string{"values.yaml": "a: {b: 1}\n", "text": "x", "yes": "True", "list": "[1]", "broken": "a: [", "empty": "", "comments": "---\n# none yet\n"}
	for _, test := range []struct {
		from HelmFrom
		want string // "error:" begins an error
	}{
		{HelmFrom{Key: "values.yaml"}, `{"a":{"b":1}}`},
		{HelmFrom{Key: "text", Target: "a.b"}, `"x"`},
		{HelmFrom{Key: "none", ValuesFrom: ValuesFrom{Optional: true}}, ``},
		{HelmFrom{Key: "none", ValuesFrom: ValuesFrom{Kind: "ConfigMap", Namespace: "n", Name: "m"}}, "error: ConfigMap n/m has no key none"},
		{HelmFrom{Key: "empty"}, `{}`},
		{HelmFrom{Key: "comments"}, `{}`},
		{HelmFrom{Key: "list"}, "holds no mapping in YAML"},
		{HelmFrom{Key: "broken"}, "holds no mapping in YAML"},
	} {
		got, err := test.from.Filled(data)
		text := ""
		switch {
		case err != nil:
			text = "error: " + err.Error()
		case got != nil:
			text = string(got.Inline)
			if !got.Beneath || got.At != test.from.Target {
				t.Errorf("%+v: %+v", test.from, got)
			}
		}
		if err == nil && text != test.want || err != nil && !strings.Contains(text, test.want) {
			t.Errorf("%+v: %s, want %s", test.from, text, test.want)
		}
	}
	for key, want := range map[string]int{"text": 1, "yes": 0} {
		if got, err := (HelmFrom{Key: key, Target: "a"}).Filled(data); err != nil || len(got.Texts()) != want {
			t.Errorf("%s: texts %q, %v", key, got.Texts(), err)
		}
	}
	if got, err := (HelmFrom{Key: "yes", Target: "a", Text: true}).Filled(data); err != nil || len(got.Texts()) != 1 {
		t.Errorf("as text: %q, %v", got.Texts(), err)
	}
}

func TestTargetsOfValues(t *testing.T) {
	for target, ok := range map[string]bool{
		"a": true, "a.b-c.d": true, `a\.b`: true, strings.Repeat("a.", 29) + "a": true, "a[0].b": true, "a[0][12]": true, `a\[0]`: false, `a\=b`: true,
		"": false, "a..b": false, ".a": false, "[0].b": false, "a[x]": false, "a[1001]": false, "a[0]b": false, "a=b": false, "a,b": false, strings.Repeat("a.", 30) + "a": false,
	} {
		if err := CheckTarget(target); (err == nil) != ok {
			t.Errorf("%q: %v", target, err)
		}
	}
}

func TestValuesFromInAFile(t *testing.T) {
	read := func(entry string) (File, string) {
		file, problems := Read(fstest.MapFS{Name: {Data: []byte("apps: [{namespace: shop, helm: {values: [{a: 1}], valuesFrom: [" + entry + "]}}]")}}, Place{Repo: "shop", Branch: "main", Main: "main"})
		if len(problems) > 0 {
			return file, problems.Error()
		}
		return file, ""
	}
	file, wrong := read("{secret: login, key: password, target: auth.password, text: true, optional: true}")
	if wrong != "" || len(file.Apps[0].Helm.Values) != 2 {
		t.Fatalf("%+v, %s", file.Apps, wrong)
	}
	got := *file.Apps[0].Helm.Values[0].From
	if want := (HelmFrom{ValuesFrom: ValuesFrom{Kind: "Secret", Namespace: "shop", Name: "login", Optional: true, Line: 1}, Key: "password", Target: "auth.password", Text: true}); got.Origin() != want.Origin() || got.Key != want.Key || got.Target != want.Target || !got.Text || !got.Optional || got.Line != 1 {
		t.Errorf("read %+v", got)
	}
	if file, _ = read("{configMap: other/words}"); file.Apps[0].Helm.Values[0].From.Key != DefaultValuesKey || !file.Apps[0].AsksForValues() {
		t.Errorf("read %+v", file.Apps[0].Helm)
	}
	for entry, want := range map[string]string{
		"{key: a}":                       "an entry of helm.valuesFrom names a configMap or a secret",
		"{configMap: a, target: 'b[x]'}": `helm.valuesFrom: target: "b[x]" is no place`,
		"{configMap: a, targetPath: b}":  "unknown field",
	} {
		if _, wrong := read(entry); !strings.Contains(wrong, want) {
			t.Errorf("%s: %s", entry, wrong)
		}
	}
}
