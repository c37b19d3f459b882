package appfile

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

// whole is a file in which every field is written, but for those that stand for several apps.
const whole = `apps:
- name: shop
  path: deploy/shop
  branch: next
  cluster: eu
  namespace: shop
  createNamespace: true
  serviceAccount: shop/deployer
  render: kustomize
  kustomize:
    images: [{name: web, newTag: "1.10"}]
    patches: [{target: {kind: Deployment}, patch: "a: b\nc: ${d}\n"}]
    components: [../c]
    replicas: [{name: web, count: 3}]
    labels: [{pairs: {a: "on"}, includeSelectors: false}]
    commonAnnotations: {a: "1", b: 'yes'}
    namePrefix: p-
    nameSuffix: -s
    namespace: other
    generate: true
  sources: [{path: deploy/web, render: plain, files: {flat: true, include: ['*.yaml'], exclude: ['{a,b}/*']}}]
  substitute:
    prefix: app_
    values: {app_n: 3, app_t: "3", app_b: yes}
    from: {app_d: {configMap: a/b, key: c}, app_s: {secret: a/c, key: d}}
  postBuild:
    values: {a: "1", b: "x\ny"}
    from: [{configMap: a/b}, {secret: c/d, optional: true}]
    labels: {a: b}
    annotations: {c: "null"}
  schedule: ""
  fullSchedule: "0 3 * * *"
  drift: warn
  prune: false
  onRemove: delete
  timeout: 90s
  dependsOn: [web]
  onFailure: rollback
  plainSecrets: allow
  ignore: [{kind: Deployment, group: apps, namespace: n, name: web, pointers: [/spec/replicas], jq: ['.spec.ports[] | select(.name == "http") | .nodePort']}, {kind: A, jq: ['.a[]?.b']}]
  health: [{group: example.org, kind: Widget, suspended: a, inProgress: b, failed: c, current: d, ended: e, message: f}]
  windows:
  - {name: night, reason: It sleeps, deny: {schedule: "0 22 * * *", duration: 8h, timeZone: Europe/Berlin}, whenClosed: wait, corrections: inWindow}
  - {name: year, allow: {from: 2026-01-01, to: 2026-12-30}}
  suspended: we move
  leaveOut: [flux, argo]
- name: web
  path: deploy/web
  branch: next
  render: helm
  helm:
    values: ["chart:b.yaml", a.yaml, {a: [1, 1.5, ~, {b: "y"}], c: 1e+21}]
    valuesFrom: [{configMap: a/b}, {secret: c/d, key: k, target: auth.password, text: true, optional: true}]
    releaseName: r
    chart: web
    version: 1.2.3
    repo: oci://charts.example.org/a
    digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    verify: {keys: ["a\nb\n"], secret: c/keys, identities: [{issuer: '^https://a$', subject: b}]}
    skipCRDs: true
    skipHooks: [install]
    parameters: [{name: a.b, value: "2", text: true}, {name: c, file: f}, {name: e, value: ""}]
    generated: [{path: auth.key, length: 48, format: hex}, {path: id, format: uuid}]
    postRender: [{patches: [{patch: x}]}, {images: [{name: a, newTag: b}]}]
  manifests: [extra]
- {name: flat, path: deploy/flat, branch: next, render: plain, files: {flat: true}}
- name: made
  branch: next
  artifact:
    url: oci://registry.example.org/manifests/web
    version: ~1.2
    path: deploy
    layer: application/vnd.cncf.flux.content.v1.tar+gzip
    ignore: "*.md\n!a.md\n"
    verify: {keys: [a], identities: [{issuer: '^https://a$', subject: b}]}
  sources: [{artifact: {url: oci://registry.example.org/manifests/api, version: tag:stable}}]
`

// bare is an app without the lines of the file that it was read from.
func bare(t *testing.T, app App) map[string]any {
	t.Helper()
	text, err := json.Marshal(app)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	var strip func(any)
	strip = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, line := range []string{"Line", "line", "Source", "At"} {
				delete(v, line)
			}
			for _, inner := range v {
				strip(inner)
			}
		case []any:
			for _, inner := range v {
				strip(inner)
			}
		}
	}
	strip(fields)
	return fields
}

// What is written is read as it was.
func TestWriteIsTheInverseOfRead(t *testing.T) {
	fsys := fstest.MapFS{Name: {Data: []byte(whole)}, "deploy/shop/a.yaml": {}, "deploy/web/a.yaml": {}, "deploy/flat/a.yaml": {}}
	apps, problems := parseAll(fsys, "site")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	entries := make([]Entry, len(apps))
	for i, app := range apps {
		entries[i] = Entry{App: app, Comments: []string{"About " + string(app.Name) + "\nin one line"}}
	}
	text, err := Write([]string{"All"}, entries)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# All\napps:\n  # About shop") || !strings.Contains(string(text), "\n  # About web") {
		t.Errorf("comments:\n%s", text)
	}
	fsys[Name].Data = text
	again, problems := parseAll(fsys, "site")
	if len(problems) > 0 || len(again) != len(apps) {
		t.Fatalf("problems %v in\n%s", problems, text)
	}
	for i := range apps {
		if got, want := bare(t, again[i]), bare(t, apps[i]); !reflect.DeepEqual(got, want) {
			t.Errorf("%v\nwant\n%v\nin\n%s", got, want, text)
		}
	}
}

// Each field of an app has a value in the file above: a field that is new has to be written.
func TestEveryFieldIsWritten(t *testing.T) {
	fsys := fstest.MapFS{Name: {Data: []byte(whole)}, "deploy/shop/a.yaml": {}, "deploy/web/a.yaml": {}, "deploy/flat/a.yaml": {}}
	apps, problems := parseAll(fsys, "site")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	elsewhere := map[string]bool{"Imported": true, "Made": true, "OnRemoveBy": true, "Hidden": true, "NamespaceMetadata": true, "Released": true, "Exclude": true}
	kind := reflect.TypeFor[App]()
	for i := range kind.NumField() {
		given := false
		for _, app := range apps {
			given = given || !reflect.DeepEqual(reflect.ValueOf(app).Field(i).Interface(), reflect.ValueOf(defaultApp()).Field(i).Interface())
		}
		if name := kind.Field(i).Name; !given && !elsewhere[name] {
			t.Errorf("no app has %s", name)
		}
	}
}

func TestWriteOfNothing(t *testing.T) {
	if text, err := Write(nil, nil); string(text) != "apps: []\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	app := defaultApp()
	app.Name, app.PostBuild.Values = "a", map[string]string{}
	if text, err := Write(nil, []Entry{{App: app}}); string(text) != "apps:\n  - name: a\n    path: .\n    postBuild:\n      values: {}\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// Texts that YAML takes for something else stay texts.
func TestTextsStayTexts(t *testing.T) {
	values := map[string]string{}
	for i, text := range []string{"", "y", "No", "1e3", "0x1F", "1:30", "~", "null", "<<", "a: b", "# a", "x\n\n  y\n", " a", "a ", "\ttab", "é", "\x01", "2026-01-01", "=", "@every", "*a", "&a", "!x", "a #b", "${x}", "true"} {
		values[fmt.Sprint("v", i)] = text
	}
	app := defaultApp()
	app.Name, app.PostBuild.Values = "a", values
	text, err := Write(nil, []Entry{{App: app}})
	if err != nil {
		t.Fatal(err)
	}
	apps, problems := parseAll(fstest.MapFS{Name: {Data: text}}, "site")
	if len(problems) > 0 || !reflect.DeepEqual(apps[0].PostBuild.Values, values) {
		t.Errorf("%v\n%v\nwant %q in\n%s", problems, apps, values, text)
	}
}

func TestSuspendedAndLeftOut(t *testing.T) {
	for _, test := range []struct{ entry, want string }{
		{"{suspended: we move, leaveOut: [flux]}", ""},
		{"{suspended: ''}", "suspended is empty"},
		{"{suspended: \"a\\nb\"}", "suspended has a character that is no text of one line"},
		{"{leaveOut: [fluxx]}", `leaveOut: "fluxx" is not known`},
		{"{leaveOut: [auto]}", `leaveOut: "auto" is not known`},
		{"{helm: {postRender: [{patch: []}]}}", `unknown field "patch" in an entry of helm.postRender`},
		{"{helm: {postRender: [{patches: x}]}}", "helm.postRender.patches is \"x\", not a list"},
	} {
		_, problems := parseAll(revision("apps: ["+test.entry+"]\n"), "site")
		if got := problems.Error(); test.want == "" && len(problems) > 0 || test.want != "" && !strings.Contains(got, test.want) {
			t.Errorf("%s: %s", test.entry, got)
		}
	}
}

// One folder may be there twice under other names, or as releases of other names.
func TestOneFolderForTwoApps(t *testing.T) {
	for _, test := range []struct {
		first, second string
		wrong         bool
	}{
		{"", "", true},
		{"", ", kustomize: {generate: true}", true},
		{"", ", kustomize: {namespace: b}", false},
		{"", ", kustomize: {namePrefix: b-}", false},
		{"", ", kustomize: {nameSuffix: -b}", false},
		{", render: helm, helm: {releaseName: a}", ", render: helm, helm: {releaseName: a}", true},
		{", render: helm, helm: {releaseName: a}", ", render: helm, helm: {releaseName: b}", false},
		{", render: helm", ", render: helm", false},
	} {
		_, problems := parseAll(revision("apps:\n- {name: a, path: apps/shop"+test.first+"}\n- {name: b, path: apps/shop"+test.second+"}\n"), "site")
		if (len(problems) > 0) != test.wrong {
			t.Errorf("%s, %s: %v", test.first, test.second, problems)
		}
	}
}
