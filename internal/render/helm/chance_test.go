package helm

import (
	"strings"
	"testing"
	"testing/fstest"
)

// chartOf is a chart of templates, by their names, in the folder c.
func chartOf(templates map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{
		"c/Chart.yaml":  {Data: []byte("apiVersion: v2\nname: web\nversion: 0.1.0\n")},
		"c/values.yaml": {Data: []byte("login: {}\nlist: [{}]\n")},
	}
	for name, text := range templates {
		fsys["c/templates/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// rendered is what a chart renders to: the data of its ConfigMaps, or its problems.
func rendered(t *testing.T, templates map[string]string) string {
	t.Helper()
	objects, problems := Render(chartOf(templates), "c", Release{Name: "web", Cluster: Offline()})
	var b strings.Builder
	for _, problem := range problems {
		b.WriteString(problem.Error() + " | " + problem.Hint + "\n")
	}
	for _, o := range objects {
		data, _ := o.Object["data"].(map[string]any)
		text, _ := data["v"].(string)
		b.WriteString(strings.ReplaceAll(text, "\n", "~"))
	}
	return b.String()
}

const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  v: "

func TestLastLineBreaksAreThoseOfHelm(t *testing.T) {
	for _, test := range []struct{ name, template, want string }{
		{"a trimmed end", head + "|\n    a: 1\n    {{- /* the end */}}", "a: 1~"},
		{"no line break at the end", head + "|\n    a: 1", "a: 1~"},
		{"one", head + "|\n    a: 1\n", "a: 1~"},
		{"a block that strips", head + "|-\n    a: 1", "a: 1"},
		{"a block that keeps", head + "|+\n    a: 1\n", "a: 1~~"},
		{"between documents", head + "|+\n    a: 1\n---\n" + head + "|+\n    b: 1", "a: 1~~b: 1~"},
		{"folded", head + ">\n    a\n    b", "a b~"},
	} {
		if got := rendered(t, map[string]string{"cm.yaml": test.template}); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestChanceIsFoundWhereverItIsKept(t *testing.T) {
	for _, test := range []struct {
		name      string
		templates map[string]string
		want      string
	}{
		{
			"in the values",
			map[string]string{
				"_pass.tpl": "{{- define \"pass\" -}}\n{{- if not .Values.login.pass -}}\n{{- $_ := set .Values.login \"pass\" (randAlphaNum 12) -}}\n{{- end -}}\n{{- .Values.login.pass -}}\n{{- end -}}",
				"cm.yaml":   head + "{{ include \"pass\" . }}\n",
			},
			"c/templates/_pass.tpl:3: c/templates/cm.yaml renders to something else each time: it uses randAlphaNum here | set login.pass in a file of values; in an encrypted file, if it is secret\n",
		},
		{
			"in a list of the values",
			map[string]string{"cm.yaml": "{{- $_ := set (first .Values.list) \"p\" (uuidv4) }}\n" + head + "{{ (first .Values.list).p }}\n"},
			"c/templates/cm.yaml:1: the template renders to something else each time: it uses uuidv4 | set list in a file of values; in an encrypted file, if it is secret\n",
		},
		{
			"in the template itself",
			map[string]string{"cm.yaml": head + "{{ default (randAlphaNum 9) .Values.login.other }}\n"},
			"c/templates/cm.yaml:5: the template renders to something else each time: it uses randAlphaNum | set login.other in a file of values; in an encrypted file, if it is secret\n",
		},
		{
			"where nothing comes of it",
			map[string]string{"cm.yaml": head + "{{ default (randAlphaNum 9) .Release.Name }}\n"},
			"web",
		},
		{
			"in a test, which no check compares",
			map[string]string{
				"cm.yaml": head + "x\n",
				"tests/t.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t-{{ randAlphaNum 4 | lower }}\n  annotations: {\"helm.sh/hook\": test}\n" +
					"spec: {containers: [{name: c, image: x}]}\n",
			},
			"x",
		},
		{
			"in a hook that is more than a test",
			map[string]string{
				"t.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t-{{ randAlphaNum 4 | lower }}\n  annotations: {\"helm.sh/hook\": \"test,pre-install\"}\n",
			},
			"c/templates/t.yaml:4: the template renders to something else each time: it uses randAlphaNum | set the value that it makes up, in a file of values; one that is secret in an encrypted file\n",
		},
	} {
		if got := rendered(t, test.templates); got != test.want {
			t.Errorf("%s:\n  %s want\n  %s", test.name, got, test.want)
		}
	}
}
