package render

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// declaring is the pushboat.yaml of these tests.
const declaring = `apps:
  - name: shop
    path: app
    namespace: shop
    substitute:
      prefix: app_
      values:
        app_host: "shop.example.org"
        app_replicas: 3
        app_version: 1.10
        app_on: true
        app_text: "3"
        app_evil: "x\"\nkind: Evil\n'}: ["
      from:
        app_size: {configMap: platform/facts, key: size}
        app_password: {secret: login, key: password}
`

// onCluster answers for the sources in declaring.
func onCluster(_ context.Context, _ name.Repo, _ string, from appfile.Origin) (Data, error) {
	switch from.String() {
	case "ConfigMap platform/facts":
		return Data{"size": []byte("7")}, nil
	case "Secret shop/login":
		return Data{"password": []byte("12345-canary")}, nil
	}
	return nil, nil
}

// substituted renders the folder app beside a pushboat.yaml.
func substituted(t *testing.T, file string, read ReadData, files fstest.MapFS) (Result, manifest.Problems) {
	t.Helper()
	files[appfile.Name] = &fstest.MapFile{Data: []byte(file)}
	parsed, problems := appfile.Read(files, appfile.Place{Repo: "shop", Main: appfile.DefaultBranch})
	apps := parsed.Apps
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	program, err := worker.Program()
	if err != nil {
		t.Fatal(err)
	}
	pool := worker.NewPool(program, worker.DefaultLimits, logrus.NewEntry(logrus.New()))
	defer pool.Close()
	session := New(pool, cluster).WithData(read).Session(files)
	defer session.Close()
	return session.App(t.Context(), apps[0])
}

// uses is a manifest with a name in every position.
const uses = `apiVersion: v1
kind: Probe
metadata:
  name: probe
  labels:
    version: "${app_version}"
spec:
  alone: ${app_replicas}
  double: "${app_replicas}"
  single: '${app_replicas}'
  within: web:${app_version}
  number: ${app_version}
  "on": ${app_on}
  text: ${app_text}
  host: https://${app_host}/${app_host}?
  read: ${app_size} # a comment
  password: ${app_password}
  evil: ${app_evil}
  list:
    - ${app_replicas}
    - "${app_replicas}"
  block: |-
    ${app_replicas}
  script: |
    echo ${X} $1 $${app_host} $(date) ${HOME:-/} ${other}
    port: ${app_replicas}
`

// want is the expected rendering of uses.
var want = map[string]any{
	"alone": int64(3), "double": "3", "single": "3", "within": "web:1.10", "number": 1.1, "on": true, "text": "3",
	"host": "https://shop.example.org/shop.example.org?", "read": int64(7), "password": "12345-canary",
	"evil": "x\"\nkind: Evil\n'}: [", "list": []any{int64(3), "3"}, "block": "3",
	"script": "echo ${X} $1 $${app_host} $(date) ${HOME:-/} ${other}\nport: 3\n",
}

// TestSubstitutionIsTheSameForAllRenderers: with every renderer, a name that stands alone
// without quotes gets its type, and everything else is text. A value never becomes
// structure.
func TestSubstitutionIsTheSameForAllRenderers(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"plain":     revision("app/a.yaml", uses),
		"kustomize": revision("app/kustomization.yaml", "resources: [a.yaml]", "app/a.yaml", uses),
		"patched as JSON": revision("app/a.yaml", uses, "app/kustomization.yaml",
			"resources: [a.yaml]\npatches:\n- target: {kind: Probe}\n  patch: |-\n    - op: remove\n      path: /spec/alone\n    - op: add\n      path: /spec/alone\n      value: ${app_replicas}\n"),
		"chart": revision("app/Chart.yaml", chartYAML, "app/templates/a.yaml", uses),
	} {
		t.Run(name, func(t *testing.T) {
			result, problems := substituted(t, declaring, onCluster, files)
			if len(problems) > 0 || len(result.Objects) != 1 {
				t.Fatalf("%d objects, problems %v", len(result.Objects), problems)
			}
			o := result.Objects[0]
			spec, _ := o.Object["spec"].(map[string]any)
			for field, value := range want {
				is, _ := json.Marshal(spec[field])
				should, _ := json.Marshal(value)
				if string(is) != string(should) {
					t.Errorf("%s is %s, want %s", field, is, should)
				}
			}
			if len(spec) != len(want) || o.GetLabels()["version"] != "1.10" {
				t.Errorf("object %v", o.Object)
			}
			if text, _ := json.Marshal(o.Object); strings.Contains(string(text), "\uE000") {
				t.Errorf("a mark is left: %s", text)
			}
			masked, _ := json.Marshal(manifest.NewMasker([]byte("key")).Hiding(o.Hidden()).MaskObject(o.Unstructured).Object)
			if strings.Contains(string(masked), "canary") {
				t.Errorf("the value of a Secret is shown: %s", masked)
			}
		})
	}
}

// TestSubstitutionInGeneratedSecrets: generators encode before names are replaced.
// Their hash is that of kustomize.
func TestSubstitutionInGeneratedSecrets(t *testing.T) {
	files := revision("app/kustomization.yaml", "secretGenerator: [{name: a, envs: [a.env], files: [a.yaml]}]\nconfigMapGenerator: [{name: a, files: [a.yaml]}]\n",
		"app/a.env", "PASSWORD=${app_password}\nOTHER=${X}\n", "app/a.yaml", "size: ${app_size}\n")
	result, problems := substituted(t, declaring, onCluster, files)
	if len(problems) > 0 || len(result.Objects) != 2 {
		t.Fatalf("%d objects, problems %v", len(result.Objects), problems)
	}
	for _, o := range result.Objects {
		data, _ := o.Object["data"].(map[string]any)
		decoded := func(key string) string {
			text, _ := data[key].(string)
			if o.GetKind() == "ConfigMap" {
				return text
			}
			plain, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			return string(plain)
		}
		if got := decoded("a.yaml"); got != "size: 7\n" {
			t.Errorf("%s: a.yaml is %q", o.ID(), got)
		}
		if o.GetKind() == "Secret" && (decoded("PASSWORD") != "12345-canary" || decoded("OTHER") != "${X}") {
			t.Errorf("%s: %v", o.ID(), data)
		}
	}
}

// TestSubstitutionProblems: each problem has its line and a way out, and no value of a
// Secret.
func TestSubstitutionProblems(t *testing.T) {
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
	silent := func(context.Context, name.Repo, string, appfile.Origin) (Data, error) { return nil, nil }
	for _, c := range []struct {
		name, manifest string
		read           ReadData
		want           []string
	}{
		{"typo", head + "  a: x\n  b: ${app_hots}\n", onCluster, []string{"app/a.yaml:6: ConfigMap a: ${app_hots} is not declared, and begins with the prefix app_ | did you mean ${app_host}?"}},
		{"default", head + "  b: '${app_host:-x}'\n", onCluster, []string{"app/a.yaml:5: ConfigMap a: ${app_host:-x} is not declared, and begins with the prefix app_ | only ${name} is replaced, without a default or anything else in the braces"}},
		{"not closed", head + "  b: '${app_host'\n", onCluster, []string{"app/a.yaml:5: ConfigMap a: ${app_host has no closing brace | only ${name} is replaced"}},
		{"key", head + "  '${app_host}': b\n", onCluster, []string{"app/a.yaml:5: ConfigMap a: ${app_host} stands in a key, and only values are replaced | write the key out"}},
		{"label", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels:\n    no1: ${app_replicas}\n", onCluster, []string{"app/a.yaml:6: ConfigMap a: metadata.labels[no1] is a number, not text | put quotes around it"}},
		{"name", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a-${app_password}\n", onCluster, []string{"app/a.yaml:4: ConfigMap a-${app_password}: ${app_password} is out of a Secret, and names of objects are shown everywhere | take the value from a ConfigMap"}},
		{"no object", head, silent, []string{
			"pushboat.yaml:15: substitute: app_size: there is no ConfigMap platform/facts on cluster default | make it there first, or write the value under substitute.values",
			"pushboat.yaml:16: substitute: app_password: there is no Secret shop/login on cluster default | make it there first, or write the value under substitute.values",
		}},
		{"no key", head, func(context.Context, name.Repo, string, appfile.Origin) (Data, error) {
			return Data{"b": nil, "a": nil}, nil
		}, []string{
			"pushboat.yaml:15: substitute: app_size: ConfigMap platform/facts of cluster default has no key size | its keys are a, b",
			"pushboat.yaml:16: substitute: app_password: Secret shop/login of cluster default has no key password | its keys are a, b",
		}},
		{"no object, and its names are used", strings.Replace(head, "name: a", "name: 'a-${app_size}'", 1) + "  a: ${app_size}\n  b: ${app_password}\n  c: ${app_hots}\n", silent, []string{
			"app/a.yaml:7: ConfigMap a-${app_size}: ${app_hots} is not declared, and begins with the prefix app_ | did you mean ${app_host}?",
			"pushboat.yaml:15: substitute: app_size: there is no ConfigMap platform/facts on cluster default | make it there first, or write the value under substitute.values",
			"pushboat.yaml:16: substitute: app_password: there is no Secret shop/login on cluster default | make it there first, or write the value under substitute.values",
		}},
		{"offline", head, nil, []string{
			"pushboat.yaml:15: substitute: app_size: its value is in ConfigMap platform/facts of cluster default, which is not asked here | give it: --substitute app_size=VALUE",
			"pushboat.yaml:16: substitute: app_password: its value is in Secret shop/login of cluster default, which is not asked here | give it: --substitute app_password=VALUE",
		}},
	} {
		_, problems := substituted(t, declaring, c.read, revision("app/a.yaml", c.manifest))
		var got []string
		for _, p := range problems {
			got = append(got, p.Error()+" | "+p.Hint)
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// TestSubstitutionIsBounded: a short manifest cannot become a huge one.
func TestSubstitutionIsBounded(t *testing.T) {
	read := func(context.Context, name.Repo, string, appfile.Origin) (Data, error) {
		return Data{"size": []byte(strings.Repeat("x", 1<<20)), "password": []byte("x")}, nil
	}
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: '" + strings.Repeat("${app_size}", 1000) + "'\n"
	_, problems := substituted(t, declaring, read, revision("app/a.yaml", text))
	if len(problems) != 1 || !strings.Contains(problems[0].Message, "67108864 bytes") {
		t.Errorf("problems %v", problems)
	}
}

// TestWhyFollowsNames: the causes of a value are the use of its name and its
// declaration.
func TestWhyFollowsNames(t *testing.T) {
	files := revision(appfile.Name, declaring, "app/a.yaml", uses)
	file, _ := appfile.Read(files, appfile.Place{Repo: "shop", Main: appfile.DefaultBranch})
	apps := file.Apps
	session := New(worker.NewPool(nil, worker.DefaultLimits, nil), nil).WithData(onCluster).Session(files)
	defer session.Close()
	for field, want := range map[string]string{
		"spec.within":   "web:1.10 pushboat.yaml:10 app/a.yaml:11",
		"spec.alone":    "3 pushboat.yaml:9 app/a.yaml:8",
		"spec.password": "(secret) pushboat.yaml:16 app/a.yaml:17",
	} {
		value, _, causes, err := session.Why(t.Context(), apps[0], nil, func(o *manifest.Object) bool { return o.GetName() == "probe" }, field)
		got, _ := json.Marshal(value)
		text := strings.Trim(string(got), `"`)
		for _, c := range causes {
			text += " " + c.String()
		}
		if err != nil || text != want {
			t.Errorf("%s: %s, want %s; %v", field, text, want, err)
		}
	}
}
