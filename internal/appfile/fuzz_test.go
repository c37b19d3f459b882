package appfile

import (
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"testing"
	"testing/fstest"
)

// FuzzAppfile checks that Parse returns for any pushboat.yaml, and that each app it accepts
// has a valid name, a path inside the repository, a schedule that can be run, and no cycle
// of dependencies.
func FuzzAppfile(f *testing.F) {
	for _, seed := range []string{
		"apps: []", "apps: [{}]", "apps:\n- path: apps/*\n  schedule: '0 3 * * *'\n  timeout: 5m\n",
		"apps: [{path: apps/shop, dependsOn: [blog]}, {path: apps/blog, dependsOn: [shop]}]",
		"apps: &a [*a]", "apps: [{schedule: TZ=UTC}]", "apps: [{<<: {}}]", "apps: [{path: 'a[', branch: '@{'}]",
		"apps: [{ignore: [{kind: A, pointers: [/a~1]}]}]", "apps: [{ignore: [{kind: A, jq: ['.a[] | select(.b == 1) | .c', .d[], '.e |']}]}]", "---\n---\n", "? x\n", "apps: !!binary x", "apps: [{name: !!str }]",
		"apps: [{health: &h [{kind: A, group: a.b, current: x, message: &m y}]}, {path: apps/shop, health: *h}, {health: [*m]}]",
		"apps: [{path: apps/shop, createNamespace: true, namespace: x, ignore: &i [{kind: &k A, pointers: [/x]}]}, {path: apps, ignore: *i}]",
		"apps: [{path: apps/shop, helm: {releaseName: x, values: [a.yaml, {b: 1}, &v {c: [~, 1.5, 0x1F]}, *v]}}]",
		"apps: [{path: apps/shop, helm: {values: {a: b}}}, {path: apps, render: plain, helm: {}}, {path: apps/blog, helm: 3}]",
		"apps: [{path: apps/shop, kustomize: {images: [{name: a, newTag: '1'}], patches: [{patch: x}], namePrefix: a-, nameSuffix: 1, components: [../c], replicas: []}}]",
		"apps: [{path: apps/shop, render: kustomize, kustomize: {images: {}, patches: [*x]}}, {path: apps, kustomize: {images: [{1: 2, [a]: b}]}}]",
		"apps: [{name: 'a-${b}-${c.d}', path: apps/shop, matrix: {b: [x, 1], c: [{d: y}, {d: 2}]}, namespace: 'n${b}'}]",
		"apps:\n- &e\n  name: &n a-${b}\n  path: apps/shop\n  namespace: *n\n  matrix: &m {b: [&v 1, *v]}\n  helm:\n    values:\n    - x: ${b}\n- *e\n",
		"apps: [{path: apps/shop, namespace: n, substitute: {prefix: a_, values: {a_b: 1, c: yes, d: 1.10}, from: {e: {secret: s, key: k}, f: {configMap: n/m, key: .x}}}}]",
		"apps: [{path: apps/shop, helm: {generated: [auth.password, &g {path: a-b, length: 8, format: hex}, {path: 'x..y'}, *g, [], 3]}}]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		fsys := revision("")
		fsys[Name] = &fstest.MapFile{Data: []byte(file)}
		apps, problems := parseAll(fsys, "site")
		if len(problems) > 0 && apps != nil {
			t.Errorf("apps beside problems %v", problems)
		}
		last := len(lineBreak.FindAllString(file, -1)) + 1
		for _, p := range problems {
			if p.Message == "" || p.Source.Line > last {
				t.Errorf("problem %#v in a file of %d lines", p, last)
			}
		}
		before := map[string]bool{}
		for _, app := range apps {
			checkApp(t, app)
			if before[string(app.Name)] {
				t.Errorf("two apps are called %s", app.Name)
			}
			before[string(app.Name)] = true
		}
	})
}

// lineBreak matches the line breaks of YAML 1.1.
var lineBreak = regexp.MustCompile("\r\n|[\r\n\u0085\u2028\u2029]")

func checkApp(t *testing.T, app App) {
	t.Helper()
	if message := checkName(string(app.Name)); message != "" {
		t.Errorf("name %q %s", app.Name, message)
	}
	if !fs.ValidPath(app.Path) || path.Clean(app.Path) != app.Path {
		t.Errorf("path %q", app.Path)
	}
	if app.Schedule != "" {
		if _, err := ParseSchedule(app.Schedule); err != nil {
			t.Errorf("schedule: %v", err)
		}
	}
	if checkBranch(string(app.Branch)) != "" || checkLabel(app.Cluster) != "" || app.Timeout <= 0 {
		t.Errorf("app %+v", app)
	}
	for _, text := range []json.RawMessage{app.Kustomize.Images, app.Kustomize.Patches, app.Kustomize.Components, app.Kustomize.Replicas} {
		var list []any
		if len(text) > 0 && json.Unmarshal(text, &list) != nil {
			t.Errorf("a list of kustomize: %s", text)
		}
	}
	for _, v := range app.Helm.Values {
		if (v.File == "") == (len(v.Inline) == 0) || v.Line <= 0 || len(v.Inline) > 0 && !json.Valid(v.Inline) {
			t.Errorf("values %+v", v)
		}
	}
	if app.Helm.ReleaseName != "" && checkName(app.Helm.ReleaseName) != "" {
		t.Errorf("release name %q", app.Helm.ReleaseName)
	}
	for _, name := range app.DependsOn {
		if name == app.Name {
			t.Errorf("%s waits for itself", name)
		}
	}
}
