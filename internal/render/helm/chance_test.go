package helm

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/charts"
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

// rendered returns the output of a chart: the data of its ConfigMaps, or its problems.
func rendered(t *testing.T, templates map[string]string) string {
	t.Helper()
	objects, problems := Render(t.Context(), chartOf(templates), "c", Release{Name: "web", Cluster: Offline()})
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
		{"with a comment", head + "|+ # keep\n    a: 1\n---\n" + head + "|\n    b: 1", "a: 1~~b: 1~"},
		{"with an indentation", head + "|2+\n      a: 1\n---\n" + head + "|\n    b: 1", "  a: 1~~b: 1~"},
		{"of DOS", strings.ReplaceAll(head+"|+\n    a: 1\n---\n"+head+"|\n    b: 1\n", "\n", "\r\n"), "a: 1~~b: 1~"},
		{"a separator that is glued", head + "|+\n    a: 1\n---" + head + "|\n    b: 1", "a: 1~~b: 1~"},
		{"a separator with a comment", head + "|+\n    a: 1\n--- # next\n" + head + "|\n    b: 1", "a: 1~~b: 1~"},
		{"folded", head + ">\n    a\n    b", "a b~"},
	} {
		if got := rendered(t, map[string]string{"cm.yaml": test.template}); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

const (
	once = "have the server generate it once and keep it; in pushboat.yaml, of the app:\n  helm: {generated: [%s]}\n" +
		"or set it in a file of values; in an encrypted file, if it is secret"
	noValue = "no value was found that takes its place: change that line so that it takes one\n" +
		"or commit the output of helm template instead of the chart, Secrets encrypted"
)

func TestChanceIsFoundWhereverItIsKept(t *testing.T) {
	for _, test := range []struct {
		name      string
		templates map[string]string
		at, hint  string // "" for a chart that is rendered
	}{
		{
			"in the values",
			map[string]string{
				"_pass.tpl": "{{- define \"pass\" -}}\n{{- if not .Values.login.pass -}}\n{{- $_ := set .Values.login \"pass\" (randAlphaNum 12) -}}\n{{- end -}}\n{{- .Values.login.pass -}}\n{{- end -}}",
				"cm.yaml":   head + "{{ include \"pass\" . }}\n",
			},
			"c/templates/_pass.tpl:3: c/templates/cm.yaml renders to something else each time: it uses randAlphaNum here\nwhat differs: data.v of ConfigMap a",
			fmt.Sprintf(once, "login.pass"),
		},
		{
			"in a list of the values, whatever those are",
			map[string]string{"cm.yaml": "{{- $_ := set (first .Values.list) \"p\" (uuidv4) }}\n" + head + "{{ (first .Values.list).p }}\n"},
			"c/templates/cm.yaml:1: the template renders to something else each time: it uses uuidv4\nwhat differs: data.v of ConfigMap a",
			noValue,
		},
		{
			"in the template itself",
			map[string]string{"cm.yaml": head + "{{ default (randAlphaNum 9) .Values.login.other }}\n"},
			"c/templates/cm.yaml:5: the template renders to something else each time: it uses randAlphaNum\nwhat differs: data.v of ConfigMap a",
			fmt.Sprintf(once, "login.other"),
		},
		{
			"in a helper that is given the name of the value, as bitnami's are",
			map[string]string{
				"_lib.tpl": "{{- define \"lib.password\" -}}\n{{- $v := \"\" }}{{- range .names }}{{- $at := $.context.Values }}{{- range splitList \".\" . }}{{- if $at }}{{- $at = index $at . }}{{- end }}{{- end }}{{- $v = $at }}{{- end }}\n" +
					"{{- if not $v }}\n{{- $v = randAlphaNum 10 }}\n{{- end }}\n{{- $v | b64enc | quote }}\n{{- end }}",
				"cm.yaml": head + "{{ include \"lib.password\" (dict \"names\" (list \"login.password\") \"context\" $) }}\n",
			},
			"c/templates/_lib.tpl:4: c/templates/cm.yaml renders to something else each time: it uses randAlphaNum here\nwhat differs: data.v of ConfigMap a",
			fmt.Sprintf(once, "login.password"),
		},
		{
			"with digits, and with what no random text stands for",
			map[string]string{"cm.yaml": head + "{{ default (randNumeric 9) .Values.login.pin }}{{ default (encryptAES \"a\" \"b\") .Values.login.hash }}\n"},
			"c/templates/cm.yaml:5: the template renders to something else each time: it uses encryptAES, randNumeric\nwhat differs: data.v of ConfigMap a",
			fmt.Sprintf(once, "{path: login.pin, format: digits}") + "\nset login.hash in a file of values; in an encrypted file, if it is secret",
		},
		{
			"where no value counts",
			map[string]string{"cm.yaml": head + "{{ randAlphaNum 9 }}{{ .Values.login.other }}\n"},
			"c/templates/cm.yaml:5: the template renders to something else each time: it uses randAlphaNum\nwhat differs: data.v of ConfigMap a",
			noValue,
		},
		{
			"in one of two fields, of which only the other has a value",
			map[string]string{"cm.yaml": head + "{{ default (randNumeric 9) .Values.login.pin }}\n\n\n\n\n  w: {{ now | date \"150405\" | quote }}\n"},
			"c/templates/cm.yaml:5: the template renders to something else each time: it uses now, randNumeric\nwhat differs: data.v of ConfigMap a, data.w of ConfigMap a",
			fmt.Sprintf(once, "{path: login.pin, format: digits}") + "\nno value was found that takes the place of data.w of ConfigMap a: change that line so that it takes one\n" +
				"or commit the output of helm template instead of the chart, Secrets encrypted",
		},
		{
			"in a hook that is more than a test",
			map[string]string{
				"t.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t-{{ randAlphaNum 4 | lower }}\n  annotations: {\"helm.sh/hook\": \"test,pre-install\"}\n",
			},
			"c/templates/t.yaml:4: the template renders to something else each time: it uses randAlphaNum\nwhat differs: the name of a Pod", noValue,
		},
		{"where nothing comes of it", map[string]string{"cm.yaml": head + "{{ default (randAlphaNum 9) .Release.Name }}\n"}, "", ""},
		{"in a comment", map[string]string{"cm.yaml": "# made at {{ now }}\n" + head + "x # {{ uuidv4 }}\n"}, "", ""},
		{"in the notes", map[string]string{"cm.yaml": head + "x\n", "NOTES.txt": "{{ uuidv4 }}"}, "", ""},
	} {
		objects, problems := Render(t.Context(), chartOf(test.templates), "c", Release{Name: "web", Cluster: Offline()})
		at, hint := "", ""
		for _, p := range problems {
			at, hint = p.Error(), p.Hint
		}
		if at != test.at || hint != test.hint || at == "" && len(objects) != 1 {
			t.Errorf("%s:\n  %s\n  %s\nwant\n  %s\n  %s", test.name, at, hint, test.at, test.hint)
		}
	}
}

// TestTheValueOfADependencyIsNamedFromTheRoot: the values of a dependency stand below its
// name.
func TestTheValueOfADependencyIsNamedFromTheRoot(t *testing.T) {
	fsys := chartOf(map[string]string{"cm.yaml": head + "x\n"})
	for name, text := range map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: db\nversion: 0.1.0\n", "values.yaml": "auth: {password: ''}\n",
		"templates/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData:\n  p: {{ .Values.auth.password | default (randAlphaNum 5) }}\n",
	} {
		fsys["c/charts/db/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	_, problems := Render(t.Context(), fsys, "c", Release{Name: "web", Cluster: Offline()})
	if len(problems) != 1 || problems[0].Hint != fmt.Sprintf(once, "db.auth.password") || problems[0].Source.String() != "c/charts/db/templates/secret.yaml:5" {
		t.Errorf("%v", problems)
	}
}

func TestTheHintFitsWhatTheAppHas(t *testing.T) {
	strong := []string{"randAlpha", "randNumeric", "randAscii", "shuffle"}
	for _, test := range []struct {
		name     string
		release  Release
		found    []candidate
		rest     []string
		contains string
	}{
		{"nothing", Release{}, []candidate{{"a.b", strong, 0}}, nil, "of the app:\n  helm: {generated: [a.b]}\nor set it"},
		{"other settings", Release{Settings: appfile.Helm{ReleaseName: "x"}}, []candidate{{"a", []string{"uuidv4"}, 0}}, nil, "in the app's helm:\n  generated: [{path: a, format: uuid}]\n"},
		{"others that are generated", Release{Settings: appfile.Helm{Generated: []appfile.Generated{{Path: "x"}}}}, []candidate{{"a", strong, 0}, {"b", []string{"randBytes"}, 0}}, nil, "add to the app's helm.generated:\n  a, {path: b, format: base64}\n"},
		{"what is no random text", Release{}, []candidate{{"tls.crt", []string{"genCA", "randAlphaNum"}, 0}}, nil, "set tls.crt in a file of values; in an encrypted file"},
		{"a kustomization", Release{Inflated: true}, []candidate{{"a", strong, 0}}, nil, "set a in the kustomization's valuesInline or valuesFile"},
		{"a chart of a registry", Release{Chart: &Wanted{Ref: charts.Ref{Name: "pg"}}}, nil, []string{"data.p of Secret pg"}, "commit the chart (helm pull --untar pg) and change that line"},
	} {
		r := renderer{release: test.release}
		if got := r.chanceHint(test.found, test.rest); !strings.Contains(got, test.contains) {
			t.Errorf("%s: %s", test.name, got)
		}
	}
}

// TestRandomTestsAreMarked: an object that no deploy applies may differ in each rendering,
// and is marked as random.
func TestRandomTestsAreMarked(t *testing.T) {
	test := func(name string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  annotations: {\"helm.sh/hook\": test}\nspec: {containers: [{name: c, image: x}]}\n"
	}
	objects, problems := Render(t.Context(), chartOf(map[string]string{
		"t.yaml": test("t-{{ randAlphaNum 4 | lower }}") + "---\n" + test("same") + "---\n" + head + "x\n",
	}), "c", Release{Name: "web", Cluster: Offline()})
	if len(problems) > 0 || len(objects) != 3 {
		t.Fatal(problems)
	}
	for i, random := range []bool{true, false, false} {
		if objects[i].Random != random {
			t.Errorf("%s is random: %v", objects[i].ID(), objects[i].Random)
		}
	}
}
