package render

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// hostileCommand starts a worker with low limits.
const hostileCommand = "hostile-worker"

// hostileLimits: a job that should end for its processor time may get little of it from a
// busy machine, so its wall time is long.
var hostileLimits = worker.Limits{Memory: 192 << 20, CPU: 10 * time.Second, Wall: 10 * time.Minute, Output: 4 << 20, Jobs: 1000}

// asGit is a revision as Git shows it: entries that are neither files nor folders are
// visible, but cannot be opened.
type asGit struct{ fstest.MapFS }

func (g asGit) Open(name string) (fs.File, error) {
	if f, ok := g.MapFS[name]; ok && f.Mode&fs.ModeSymlink != 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("symbolic links are not followed; commit the file itself")}
	}
	return g.MapFS.Open(name)
}

func (g asGit) ReadFile(name string) ([]byte, error) {
	f, err := g.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(f)
}

func (g asGit) Stat(name string) (fs.FileInfo, error) { return g.Lstat(name) }

func (g asGit) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(g.MapFS, name) }

// hostile is an attack in a push, and its expected outcome.
type hostile struct {
	files []string // path, text, path, text
	links []string // path and target of each symbolic link
	app   appfile.App
	want  string // a part of the problem; "" if any of several limits may come first
}

// victims is a session whose worker has tight limits.
func victims(t *testing.T) *Session {
	t.Helper()
	program, err := worker.Program()
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	pool := worker.NewPool([]string{program[0], hostileCommand}, hostileLimits, logrus.NewEntry(log))
	session := New(pool, cluster).Session(nil)
	t.Cleanup(func() { session.Close(); pool.Close() })
	return session
}

// attack renders a revision, and then another app in the same session: whatever happens to
// the first must not stop the second (CVE-2022-39272).
func attack(t *testing.T, session *Session, h hostile) string {
	t.Helper()
	files := revision(h.files...)
	for i := 0; i+1 < len(h.links); i += 2 {
		files[h.links[i]] = &fstest.MapFile{Data: []byte(h.links[i+1]), Mode: fs.ModeSymlink | 0o777}
	}
	files["good/kustomization.yaml"] = &fstest.MapFile{Data: []byte("resources: [a.yaml]\n")}
	files["good/a.yaml"] = &fstest.MapFile{Data: []byte(object("a"))}
	if h.app.Path == "" {
		h.app.Path = "app"
	}
	h.app.Name, h.app.Cluster, h.app.Render = "shop", "default", appfile.RenderAuto
	session.fsys = asGit{files}
	result, problems := session.App(context.Background(), h.app)
	if len(problems) == 0 {
		return fmt.Sprintf("nothing was refused: %d objects", len(result.Objects))
	}
	if good, wrong := session.App(context.Background(), appfile.App{Name: "good", Path: "good", Render: appfile.RenderAuto}); len(wrong) > 0 || len(good.Objects) != 1 {
		t.Errorf("the next app has %d objects, problems %v", len(good.Objects), wrong)
	}
	return problems.Error()
}

func attackAll(t *testing.T, attacks map[string]hostile) {
	t.Helper()
	session := victims(t)
	for name, h := range attacks {
		t.Run(name, func(t *testing.T) {
			got := attack(t, session, h)
			if !strings.Contains(got, h.want) || strings.HasPrefix(got, "nothing was refused") {
				t.Errorf("got  %.600s\nwant %s", got, h.want)
			}
		})
	}
}

// bomb is a text of aliases to aliases: nine levels of nine (CVE-2019-11253).
func bomb(field string) string {
	var b strings.Builder
	b.WriteString("l0: &l0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&b, "l%d: &l%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d, ", i-1), 9), ", "))
	}
	fmt.Fprintf(&b, "%s: *l8\n", field)
	return b.String()
}

// kustomization returns an app with a kustomization and other files.
func kustomization(text string, files ...string) []string {
	return append([]string{"app/kustomization.yaml", text}, files...)
}

const remoteRefused = "is not part of the repository, and nothing is fetched"

// TestRemoteEntriesAreRefused tries remote bases, patches, schemas and files of every
// spelling, in every field (kustomize#4288, flate#742; CVE-2022-24877 and CVE-2022-24878).
func TestRemoteEntriesAreRefused(t *testing.T) {
	attacks := map[string]hostile{}
	for _, address := range []string{
		"https://example.com/a.yaml", "HTTPS://example.com/a.yaml", "http://127.0.0.1:1/a.yaml", "hTTp://[::1]/a.yaml",
		"git@github.com:org/repo.git", "user@example.com:org/repo", "git::https://example.com/org/repo.git//base?ref=v1",
		"GIT::github.com/org/repo", "github.com/org/repo", "GitHub.com/org/repo//base?ref=main", "www.github.com/org/repo",
		"github.com:org/repo", "ssh://git@example.com/org/repo", "SSH://example.com/org/repo.git", "file:///etc", "FILE:///etc/passwd",
		"gh:org/repo", "git://example.com/org/repo", "git::git@example.com:org/repo.git", "org-123@github.com:a/b.git?timeout=1s",
		"https://dev.azure.com/org/project/_git/repo?version=1", " https://example.com/a.yaml", "ftp://example.com/a",
		"git::https://example.com/org/repo\nx: y", "https://example.com/a: b", "git@example.com:org/repo\n",
	} {
		attacks["resource "+address] = hostile{files: kustomization(fmt.Sprintf("resources: [%q]", address)), want: remoteRefused}
	}
	const remote = "https://example.com/x"
	for _, field := range []string{
		"bases: [%s]", "components: [%s]", "generators: [%s]", "transformers: [%s]", "validators: [%s]", "crds: [%s]", "configurations: [%s]",
		"patchesStrategicMerge: [%s]", "patchesStrategicMerge: ['%s: x']", "patches: [{path: %s}]", "patchesJson6902: [{path: %s, target: {kind: A, name: a}}]",
		"replacements: [{path: %s}]", "openapi: {path: %s}", "configMapGenerator: [{name: a, files: [%s]}]", "configMapGenerator: [{name: a, files: ['k=%s']}]",
		"configMapGenerator: [{name: a, envs: [%s]}]", "secretGenerator: [{name: a, env: %s}]",
		// Spellings that kustomize reads, but a search of the text may miss.
		"Resources: [%s]", "RESOURCES: [%s]", "\"re\\u0073ources\": [%s]", "re\u017fources: [%s]", "patches: [{PATH: %s}]", "openAPI: {Path: %s}",
		"x: &x [%s]\nresources: *x", "<<: {resources: [%s]}", "<<: [{crds: [%s]}]", "configMapGenerator: [{<<: {files: [%s]}, name: a}]",
		"openapi: &o {path: %s}\nOpenAPI: *o", "patches: [{path: &p %s}, {path: *p}]", "{\"resources\": [\"%s\"]}",
		// Configurations of built-in plugins.
		"transformers: ['{apiVersion: builtin, kind: PatchTransformer, metadata: {name: a}, path: \"%s\"}']",
		"transformers: ['{apiVersion: builtin, kind: PatchStrategicMergeTransformer, metadata: {name: a}, paths: [\"%s\"]}']",
		"transformers: ['{apiVersion: builtin, kind: PatchJson6902Transformer, metadata: {name: a}, Path: \"%s\"}']",
		"transformers: ['{apiVersion: builtin, kind: ReplacementTransformer, metadata: {name: a}, replacements: [{path: \"%s\"}]}']",
		"generators: ['{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: a}, files: [\"k=%s\"]}']",
		"generators: ['{apiVersion: builtin, kind: SecretGenerator, metadata: {name: a}, envs: [\"%s\"]}']",
	} {
		attacks["field "+field] = hostile{files: kustomization(strings.ReplaceAll(field, "%s", remote)), want: remoteRefused}
	}
	config := "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\npath: " + remote + "\n"
	attacks["a transformer's file"] = hostile{files: kustomization("transformers: [t.yaml]", "app/t.yaml", config), want: "app/t.yaml:4: PatchTransformer: \"https://example.com/x\" " + remoteRefused}
	attacks["a transformer's folder"] = hostile{
		files: kustomization("resources: [../t]\ntransformers: [../t]", "t/kustomization.yaml", "resources: [t.yaml]", "t/t.yaml", config), want: remoteRefused,
	}
	attacks["a base of a base"] = hostile{files: kustomization("resources: [../b]", "b/kustomization.yaml", "components: [../c]", "c/kustomization.yaml", "kind: Component\nresources: ["+remote+"]"), want: "c/kustomization.yaml:2: resources: "}
	attackAll(t, attacks)
}

// TestPathsDoNotLeadOut: no path reads a file outside the repository (CVE-2022-24348,
// CVE-2022-24904, CVE-2022-31036, CVE-2022-36035, CVE-2026-47680).
func TestPathsDoNotLeadOut(t *testing.T) {
	chart := func(values string) hostile {
		return hostile{
			files: []string{"app/Chart.yaml", chartYAML, "app/templates/a.yaml", object("a")},
			app:   appfile.App{Helm: appfile.Helm{Values: []appfile.HelmValues{{File: values, Line: 7}}}},
		}
	}
	with := func(h hostile, want string) hostile { h.want = want; return h }
	attackAll(t, map[string]hostile{
		"absolute resource":      {files: kustomization("resources: [/etc/passwd]"), want: "is an absolute path"},
		"absolute patch":         {files: kustomization("patches: [{path: /etc/passwd}]"), want: "is an absolute path"},
		"absolute file":          {files: kustomization("configMapGenerator: [{name: a, files: [k=/etc/passwd]}]"), want: "is an absolute path"},
		"a transformer's file":   {files: kustomization("transformers: ['{apiVersion: builtin, kind: PatchTransformer, metadata: {name: a}, path: /etc/passwd}']"), want: "is an absolute path"},
		"resource above":         {files: kustomization("resources: [../../etc]"), want: "leads out of the repository"},
		"resource far above":     {files: kustomization("resources: [x/../../../../../../../../etc/passwd]"), want: "leads out of the repository"},
		"file above":             {files: kustomization("secretGenerator: [{name: a, files: [../../../etc/passwd]}]"), want: "leads out of the repository"},
		"env above":              {files: kustomization("secretGenerator: [{name: a, envs: [../../../proc/self/environ]}]"), want: "leads out of the repository"},
		"openapi above":          {files: kustomization("openapi: {path: ../../x.json}"), want: "leads out of the repository"},
		"plugin's files above":   {files: kustomization("generators: ['{apiVersion: builtin, kind: SecretGenerator, metadata: {name: a}, files: [../../../etc/passwd]}']"), want: "file does not exist"},
		"component of pushboat":  {files: kustomization("resources: [a.yaml]", "app/a.yaml", object("a")), app: appfile.App{Kustomize: appfile.Kustomize{Components: []byte(`["../../x"]`)}}, want: "leads out of the repository"},
		"remote of pushboat":     {files: kustomization("resources: [a.yaml]", "app/a.yaml", object("a")), app: appfile.App{Kustomize: appfile.Kustomize{Components: []byte(`["https://example.com/x"]`)}}, want: remoteRefused},
		"patch of pushboat":      {files: kustomization("resources: [a.yaml]", "app/a.yaml", object("a")), app: appfile.App{Kustomize: appfile.Kustomize{Patches: []byte(`[{"path": "https://example.com/x"}]`)}}, want: remoteRefused},
		"values above":           with(chart("../../etc/passwd"), "leads out of the repository"),
		"values absolute":        with(chart("/etc/passwd"), "is an absolute path"),
		"values by address":      with(chart("https://example.com/values.yaml"), remoteRefused),
		"values secret protocol": with(chart("secrets://x/values.yaml"), remoteRefused),
		"dependency above": {
			files: []string{"app/Chart.yaml", chartYAML + "dependencies: [{name: b, version: 1.0.0, repository: 'file://../../b'}]\n"}, want: "leads out of the repository",
		},
		"dependency absolute": {
			files: []string{"app/Chart.yaml", chartYAML + "dependencies: [{name: b, version: 1.0.0, repository: 'file:///etc'}]\n"}, want: "leads out of the repository",
		},
		// No dependency is updated, so no Chart.lock is written (CVE-2025-53547).
		"dependency of a registry": {
			files: []string{"app/Chart.yaml", chartYAML + "dependencies: [{name: b, version: 1.0.0, repository: 'oci://example.com/b'}]\n"}, want: "is not in charts/, and nothing is fetched",
		},
	})
}

const chartYAML = "apiVersion: v2\nname: web\nversion: 1.0.0\n"

// TestSymlinksAreNotFollowed: no symbolic link is followed, wherever a file is read
// (CVE-2022-24904, CVE-2025-53547, CVE-2026-52811). No part of the target is shown.
func TestSymlinksAreNotFollowed(t *testing.T) {
	const want = "symbolic links are not followed"
	withChart := func(links ...string) hostile {
		return hostile{files: []string{"app/Chart.yaml", chartYAML, "app/templates/a.yaml", object("a")}, links: links, want: want}
	}
	values := withChart("app/v.yaml", "/etc/passwd")
	values.files = append(values.files, "app/.helmignore", "v.yaml\n")
	values.app.Helm.Values = []appfile.HelmValues{{File: "v.yaml", Line: 3}}
	attackAll(t, map[string]hostile{
		"resource":       {files: kustomization("resources: [a.yaml]"), links: []string{"app/a.yaml", "/etc/passwd"}, want: want},
		"base":           {files: kustomization("resources: [../b]"), links: []string{"b", "/etc"}, want: want},
		"generator":      {files: kustomization("configMapGenerator: [{name: a, files: [x]}]"), links: []string{"app/x", "../../../etc/passwd"}, want: want},
		"env file":       {files: kustomization("configMapGenerator: [{name: a, envs: [x]}]"), links: []string{"app/x", "/proc/self/environ"}, want: want},
		"patch":          {files: kustomization("patches: [{path: x}]"), links: []string{"app/x", "/etc/passwd"}, want: want},
		"transformer":    {files: kustomization("transformers: [x]"), links: []string{"app/x", "/etc/passwd"}, want: want},
		"kustomization":  {files: []string{"app/README", "x"}, links: []string{"app/kustomization.yaml", "/etc/passwd"}, want: want},
		"chart file":     withChart("app/conf.txt", "/etc/passwd"),
		"template":       withChart("app/templates/b.yaml", "/etc/passwd"),
		"values.yaml":    withChart("app/values.yaml", "/etc/passwd"),
		"Chart.lock":     withChart("app/Chart.lock", "/etc/crontab"),
		"charts":         withChart("app/charts", "/etc"),
		"subchart":       withChart("app/charts/b", "../../other"),
		"archive":        withChart("app/charts/b-1.0.0.tgz", "/tmp/b.tgz"),
		"values.schema":  withChart("app/values.schema.json", "/etc/passwd"),
		"helmignore":     withChart("app/.helmignore", "/etc/passwd"),
		"file of values": values,
	})
}

// TestProgramsAreNotRun: a kustomization cannot run plugins, functions, or helm
// (kustomize#4288, flate#742).
func TestProgramsAreNotRun(t *testing.T) {
	function := func(name, how string) string {
		return "apiVersion: example.com/v1\nkind: Run\nmetadata:\n  name: a\n  annotations:\n    " + name + ": |\n      " + how + "\n"
	}
	const functions, charts = "functions that are programs or containers are not run", "charts that are not named under helmCharts are not rendered"
	attackAll(t, map[string]hostile{
		"exec function":      {files: kustomization("transformers: [t.yaml]", "app/t.yaml", function("config.kubernetes.io/function", "exec: {path: ./run.sh}")), want: functions},
		"container function": {files: kustomization("generators: [t.yaml]", "app/t.yaml", function("config.kubernetes.io/function", "container: {image: example.com/x, network: true}")), want: functions},
		"old annotation":     {files: kustomization("validators: [t.yaml]", "app/t.yaml", function("config.k8s.io/function", "exec: {path: ./run.sh}")), want: functions},
		"escaped annotation": {files: kustomization("transformers: [t.yaml]", "app/t.yaml", function(`"config.kubernetes\u002eio/function"`, "exec: {path: ./run.sh}")), want: "kustomize: "},
		"plugin by kind":     {files: kustomization("transformers: [t.yaml]", "app/t.yaml", "apiVersion: someteam.example.com/v1\nkind: ChartInflator\nmetadata: {name: a}\n"), want: "kustomize: "},
		"go plugin":          {files: kustomization("generators: [t.yaml]", "app/t.yaml", "apiVersion: builtin\nkind: NotThere\nmetadata: {name: a}\n"), want: "kustomize: "},
		"function in folder": {files: kustomization("transformers: [../t]", "t/kustomization.yaml", "resources: [t.yaml]", "t/t.yaml", function("config.kubernetes.io/function", "exec: {path: /bin/sh}")), want: functions},
		"helmCharts":         {files: kustomization("helmCharts: [{name: a, repo: https://example.com}]"), want: "there is no chart in app/charts/a, and nothing is fetched"},
		"HELMCHARTS":         {files: kustomization("HELMCHARTS: [{name: a}]"), want: "there is no chart in app/charts/a, and nothing is fetched"},
		"helmGlobals":        {files: kustomization("helmGlobals: {chartHome: /etc}\nhelmCharts: [{name: a}]"), want: `"/etc" is an absolute path`},
		"old helm field":     {files: kustomization("helmChartInflationGenerator: [{chartName: a, helmBin: /bin/sh}]"), want: charts},
		"helm as generator":  {files: kustomization("generators: ['{apiVersion: builtin, kind: HelmChartInflationGenerator, metadata: {name: a}, name: a, repo: \"https://example.com\"}']"), want: charts},
	})
}

// TestRecursionEnds has folders, charts and templates that include themselves.
func TestRecursionEnds(t *testing.T) {
	deep := func(n int) []string {
		var files []string
		for i := range n {
			files = append(files, fmt.Sprintf("b%d/kustomization.yaml", i), fmt.Sprintf("resources: [../b%d]", i+1))
		}
		return append(files, fmt.Sprintf("b%d/kustomization.yaml", n), "resources: []\nnamePrefix: x\n")
	}
	attackAll(t, map[string]hostile{
		"itself":          {files: kustomization("resources: [.]"), want: "app includes itself: app > app"},
		"itself, around":  {files: kustomization("resources: [../app]"), want: "app includes itself"},
		"base of base":    {files: kustomization("resources: [../b]", "b/kustomization.yaml", "resources: [../app]"), want: "app includes itself: app > b > app"},
		"component":       {files: kustomization("components: [../c]", "c/kustomization.yaml", "kind: Component\ncomponents: [../c]"), want: "c includes itself"},
		"transformer":     {files: kustomization("transformers: [../t]", "t/kustomization.yaml", "resources: [../t]"), want: "t includes itself"},
		"too many":        {files: append(kustomization("resources: [../b0]"), deep(1001)...), want: "there are more than 1000 kustomizations"},
		"chart of chart":  {files: []string{"app/Chart.yaml", chartYAML + "dependencies: [{name: web2, version: 1.0.0, repository: 'file://../b'}]\n", "b/Chart.yaml", strings.Replace(chartYAML, "web", "web2", 1) + "dependencies: [{name: web, version: 1.0.0, repository: 'file://../app'}]\n"}, want: "the chart depends on itself"},
		"include":         chartOf(`{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`, "nested reference name"),
		"template":        chartOf(`{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`, "exceeded maximum template depth"),
		"tpl":             chartOf(`{{ tpl .Values.a . }}`, "render"),
		"include by turn": chartOf(`{{ define "a" }}{{ include "b" . }}{{ end }}{{ define "b" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`, ""),
		"deep folders":    {files: []string{"app/Chart.yaml", chartYAML, "app/" + strings.Repeat("d/", 40) + "x", "x"}, want: "folders are nested deeper than 30"},
		"schema":          withSchema(`{"$ref": "#/definitions/a", "definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}}`, "values.schema.json"),
	})
}

// chartOf is a chart with one template, and a value a that is a template itself.
func chartOf(template, want string) hostile {
	return hostile{files: []string{"app/Chart.yaml", chartYAML, "app/values.yaml", "a: '{{ tpl .Values.a . }}'\n", "app/templates/a.yaml", template + "\n"}, want: want}
}

func withSchema(schema, want string) hostile {
	h := chartOf(object("a"), want)
	h.files = append(h.files, "app/values.schema.json", schema)
	return h
}

// TestTemplatesEnd: a limit ends templates that loop, allocate or write without end
// (CVE-2022-31016, CVE-2023-40584).
func TestTemplatesEnd(t *testing.T) {
	const ended = "rendering was ended: "
	attackAll(t, map[string]hostile{
		"loop":              chartOf(`{{ range until 100000000 }}{{ range until 100000000 }}{{ end }}{{ end }}`, ended),
		"loop over numbers": chartOf(`{{ range 1000000000000 }}{{ end }}`, ended+"it took more than 10s of processor time"),
		"until":             chartOf(`{{ len (until 1000000000) }}`, ended),
		"repeat":            chartOf(`{{ len (repeat 1000000000 "xxxxxxxx") }}`, ended),
		"doubling":          chartOf(`{{ $x := "xxxxxxxxxxxxxxxx" }}{{ range 40 }}{{ $x = print $x $x }}{{ end }}{{ len $x }}`, ended),
		"lists":             chartOf(`{{ $l := list 1 }}{{ range 40 }}{{ $l = concat $l $l }}{{ end }}`, ended),
		"output":            chartOf(`{{ range 100000 }}# {{ repeat 1000 "x" }}{{ "\n" }}{{ end }}`, ""),
		"padding":           chartOf(`{{ printf "%1000000000d" 1 | len }}`, "a.yaml"),
		"keys":              chartOf(`{{ range 10000 }}{{ $k := genPrivateKey "rsa" }}{{ end }}`, ended+"it took more than 10s of processor time"),
		"tpl of tpl":        chartOf(`{{ range 100000000 }}{{ $x := tpl "{{ repeat 100 \"x\" }}" $ }}{{ end }}`, ended+"it took more than 10s of processor time"),
		"deep values":       chartOf(`{{ $d := dict }}{{ range 1000000 }}{{ $d = dict "a" $d }}{{ end }}{{ toYaml $d | len | fail }}`, ""),
		"many objects":      chartOf(`{{ range 30000 }}{{ "---" }}`+"\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'a{{ . }}'}\n"+`{{ end }}`, "more than 10000 objects in one file"),
	})
}

// TestBombsOfYAML tries aliases, nesting and size, wherever YAML is read (CVE-2019-11253,
// CVE-2019-11254, CVE-2023-40584).
func TestBombsOfYAML(t *testing.T) {
	nested := strings.Repeat("[", 100_000)
	resource := func(text string) []string {
		return kustomization("resources: [a.yaml]", "app/a.yaml", text)
	}
	values := chartOf(object("a"), "excessive aliasing")
	values.files = append(values.files, "v.yaml", bomb("x"))
	values.app.Helm.Values = []appfile.HelmValues{{File: "../v.yaml", Line: 3}}
	fromYAML := chartOf(`{{ $x := fromYaml .Values.b }}{{ $x.Error | default "no error" | fail }}`, "excessive aliasing")
	fromYAML.files = append(fromYAML.files, "app/values.yaml", "b: |\n  "+strings.ReplaceAll(bomb("x"), "\n", "\n  "))
	deepValues := values
	deepValues.files, deepValues.want = append(chartOf(object("a"), "").files, "v.yaml", "a: "+nested), "v.yaml"
	attackAll(t, map[string]hostile{
		"plain":                {files: []string{"app/a.yaml", object("a") + bomb("data")}, want: "aliases"},
		"resource":             {files: resource(object("a") + bomb("data")), want: ""},
		"kustomization":        {files: kustomization(bomb("resources")), want: "aliases"},
		"patch":                {files: kustomization("resources: [a.yaml]\npatches: [{path: p.yaml}]", "app/a.yaml", object("a"), "app/p.yaml", object("a")+bomb("data")), want: ""},
		"transformer":          {files: kustomization("transformers: [p.yaml]", "app/p.yaml", object("a")+bomb("data")), want: ""},
		"values":               values,
		"values of the chart":  {files: []string{"app/Chart.yaml", chartYAML, "app/values.yaml", bomb("x")}, want: "excessive aliasing"},
		"Chart.yaml":           {files: []string{"app/Chart.yaml", chartYAML + bomb("annotations")}, want: "excessive aliasing"},
		"Chart.lock":           {files: []string{"app/Chart.yaml", chartYAML, "app/Chart.lock", bomb("dependencies")}, want: "excessive aliasing"},
		"requirements.yaml":    {files: []string{"app/Chart.yaml", chartYAML, "app/requirements.yaml", bomb("dependencies")}, want: "excessive aliasing"},
		"output of template":   chartOf(object("a")+bomb("data"), "aliases"),
		"fromYaml":             fromYAML,
		"nested resource":      {files: resource(object("a") + "data: " + nested), want: ""},
		"nested kustomization": {files: kustomization("resources: " + nested), want: "app/kustomization.yaml"},
		"nested values":        deepValues,
		"nested own values":    {files: []string{"app/Chart.yaml", chartYAML, "app/values.yaml", "a: " + nested}, want: "exceeded max depth"},
		"nested JSON":          withSchema(strings.Repeat(`{"not":`, 50_000)+"{}"+strings.Repeat("}", 50_000), "values.schema.json"),
		"huge document":        {files: []string{"app/a.yaml", object("a") + "data: {a: " + strings.Repeat("x", 4<<20) + "}\n"}, want: "bytes"},
		"huge resource":        {files: resource(object("a") + "data: {a: " + strings.Repeat("x", 5<<20) + "}\n"), want: ""},
		"alias of itself":      {files: kustomization("resources: &a [*a]"), want: "app/kustomization.yaml"},
		"many entries":         {files: kustomization("resources: ["+strings.Repeat("a.yaml, ", 30_000)+"a.yaml]", "app/a.yaml", object("a")), want: "there are more than 20000 entries"},
	})
}

// TestArchives: charts in charts/*.tgz are bombs, or lead out of the archive
// (CVE-2025-32386, CVE-2022-36035).
func TestArchives(t *testing.T) {
	chart := entry{name: "b/Chart.yaml", data: []byte("apiVersion: v2\nname: b\nversion: 1.0.0\n")}
	zeros := make([]byte, 60<<20)
	nested := tgz(t, chart, entry{name: "b/zeros", data: zeros})
	session := victims(t)
	for name, c := range map[string]struct {
		archive []byte
		want    string
	}{
		"bomb":              {tgz(t, chart, entry{name: "b/0", data: zeros}, entry{name: "b/1", data: zeros}), "larger than the maximum size"},
		"bombs in a bomb":   {tgz(t, chart, entry{name: "b/charts/b1.tgz", data: nested}, entry{name: "b/charts/b2.tgz", data: nested}, entry{name: "b/charts/b3.tgz", data: nested}, entry{name: "b/charts/b4.tgz", data: nested}), "rendering was ended"},
		"above":             {tgz(t, chart, entry{name: "b/../../../etc/passwd", data: []byte("x")}), "illegally references parent directory"},
		"absolute":          {tgz(t, chart, entry{name: "b//etc/passwd", data: []byte("x")}), "absolute paths"},
		"drive":             {tgz(t, chart, entry{name: `b\c:\windows`, data: []byte("x")}), "illegally named"},
		"no chart":          {tgz(t, entry{name: "b/x", data: []byte("x")}), "Chart.yaml file is missing"},
		"nothing":           {tgz(t), "no files in chart archive"},
		"no archive":        {[]byte("hello"), "error unpacking"},
		"cut":               {nested[:len(nested)/2], "error unpacking"},
		"template by link":  {tgz(t, chart, entry{name: "b/templates/x.yaml", link: "/etc/passwd"}), ""},
		"its own reference": {tgz(t, chart, entry{name: "b/values.schema.json", data: []byte(`{"$ref": "file:///etc/passwd"}`)}), "the schema refers to"},
	} {
		t.Run(name, func(t *testing.T) {
			got := attack(t, session, hostile{files: []string{"app/Chart.yaml", chartYAML, "app/templates/a.yaml", object("a"), "app/charts/b-1.0.0.tgz", string(c.archive)}})
			if name == "template by link" { // an empty file for Helm
				c.want = "nothing was refused: 1 objects"
			}
			tooSlow := name == "bomb" && strings.Contains(got, "rendering was ended") // as with the race detector
			if !strings.Contains(got, c.want) && !tooSlow {
				t.Errorf("got  %.600s\nwant %s", got, c.want)
			}
		})
	}
}

// TestSchemasReferToNothingElse: a schema reads no file and fetches no address, and a large
// schema ends (CVE-2025-32387, CVE-2025-55199).
func TestSchemasReferToNothingElse(t *testing.T) {
	const want = "and nothing is fetched"
	attacks := map[string]hostile{}
	for name, schema := range map[string]string{
		"file":         `{"$ref": "file:///etc/passwd"}`,
		"device":       `{"properties": {"a": {"$ref": "file:///dev/zero"}}}`,
		"relative":     `{"$ref": "../../../etc/passwd"}`,
		"http":         `{"allOf": [{"$ref": "http://127.0.0.1:1/schema.json#/a"}]}`,
		"https":        `{"definitions": {"a": {"$ref": "https://example.com/a.json"}}}`,
		"uppercase":    `{"$ref": "HTTP://example.com/a.json"}`,
		"own base":     `{"$id": "http://example.com/x.json", "$ref": "y.json"}`,
		"draft":        `{"$schema": "http://example.com/draft"}`,
		"like a draft": `{"$schema": "http://json-schema.org/draft-07/schema/../../../x"}`,
		"dynamic":      `{"$dynamicRef": "http://example.com/x"}`,
	} {
		attacks[name] = withSchema(schema, want)
	}
	attackAll(t, attacks)
}

// TestTemplatesLearnNothing: templates cannot resolve names, ask a cluster or read the
// environment (CVE-2020-11013, CVE-2023-25165).
func TestTemplatesLearnNothing(t *testing.T) {
	session := victims(t)
	for template, want := range map[string]string{
		`{{ getHostByName "localhost" | printf "<%s>" | fail }}`:                      "<>",
		`{{ lookup "v1" "Secret" "kube-system" "" | toJson | printf "<%s>" | fail }}`: "<{}>",
		`{{ .Files.Get "../../../etc/passwd" | printf "<%s>" | fail }}`:               "<>",
		`{{ .Files.Get "/etc/passwd" | printf "<%s>" | fail }}`:                       "<>",
		`{{ .Files.Glob "/etc/*" | len | printf "<%d>" | fail }}`:                     "<0>",
		`{{ env "HOME" }}`:             `function "env" not defined`,
		`{{ expandenv "$HOME" }}`:      `function "expandenv" not defined`,
		`{{ readFile "/etc/passwd" }}`: `function "readFile" not defined`,
	} {
		if got := attack(t, session, chartOf(template, "")); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", template, got, want)
		}
	}
}

// TestOutcomesThatChangeAreRefused: outcomes that change are refused, even if a function
// reads the clock without a sign of it in the template.
func TestOutcomesThatChangeAreRefused(t *testing.T) {
	session := victims(t)
	for _, value := range []string{
		`now | unixEpoch`, `randAlphaNum 8`, `uuidv4`, `date "2006-01-02T15:04:05" "no date"`, `dateInZone "15:04:05" nil "UTC"`,
		`date_in_zone "15:04:05.000" "x" "UTC"`, `htmlDate ""`, `htmlDateInZone "x" "UTC"`, `genPrivateKey "ed25519" | sha256sum`, `"abcdefghijklmnopqrstuvwxyz" | shuffle`,
		`(genCA "a" 1).Cert | sha256sum`, `htpasswd "a" "b"`, `encryptAES "k" "v"`, `randBytes 8`, `now | date "15:04:05"`,
	} {
		template := object("a") + "data: {a: {{ " + value + " | quote }}}"
		if got := attack(t, session, chartOf(template, "")); !strings.Contains(got, "the template renders to something else each time: it uses ") {
			t.Errorf("%s: %s", value, got)
		}
	}
	ours := newGoldenSession(t)
	for _, value := range []string{`keys (dict "a" 1 "b" 2 "c" 3 "d" 4 "e" 5) | join ","`, `values (dict "a" 1 "b" 2 "c" 3 "d" 4) | join ","`, `date "2006" 0`} {
		template := object("a") + "data: {a: {{ " + value + " | quote }}}"
		first := renderedText(t, ours, template)
		for range 5 {
			if again := renderedText(t, ours, template); again != first {
				t.Errorf("%s: %s and %s", value, first, again)
			}
		}
	}
}

// renderedText returns the output of a chart of one template.
func renderedText(t *testing.T, ours *session, template string) string {
	t.Helper()
	files := revision(chartOf(template, "").files...)
	return strings.Join(inText(t, ours.render(t, files, appfile.App{Name: "shop", Path: "app", Cluster: "default", Render: appfile.RenderAuto})), "\n")
}

// TestNamesWithControlCharacters: an error quotes the name of a file or field, so that
// it does not reach a terminal as it is (CVE-2025-64494, CVE-2024-52005).
func TestNamesWithControlCharacters(t *testing.T) {
	const name = "a\x1b[2Jb"
	session := victims(t)
	for what, h := range map[string]hostile{
		"resource":  {files: kustomization(`resources: ["a\e[2Jb"]`)},
		"remote":    {files: kustomization(`resources: ["https://x/a\e[2Jb"]`)},
		"generator": {files: kustomization(`configMapGenerator: [{name: a, files: ["a\e[2Jb"]}]`)},
		"values":    {files: []string{"app/Chart.yaml", chartYAML}, app: appfile.App{Helm: appfile.Helm{Values: []appfile.HelmValues{{File: "/" + name}}}}},
	} {
		if got := attack(t, session, h); !strings.Contains(got, `\x1b`) || strings.Contains(got, "\x1b") {
			t.Errorf("%s: %q", what, got)
		}
	}
}

// TestNothingOfTheHostIsShown: no outcome contains the canaries, one in a file beside
// the repository and one in the server's environment.
func TestNothingOfTheHostIsShown(t *testing.T) {
	const canary = "canary-7f3a"
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PUSHBOAT_CANARY", canary)
	session := victims(t)
	for _, h := range []hostile{
		{files: kustomization("secretGenerator: [{name: a, files: [" + secret + "]}]")},
		{files: kustomization("secretGenerator: [{name: a, files: [../../../../../../.." + secret + "]}]")},
		{files: kustomization("configMapGenerator: [{name: a, envs: [/proc/self/environ]}]")},
		{files: kustomization("configMapGenerator: [{name: a, files: [x]}]"), links: []string{"app/x", secret}},
		withSchema(fmt.Sprintf(`{"$ref": "file://%s"}`, secret), ""),
		chartOf(fmt.Sprintf(`{{ .Files.Get %q | fail }}`, secret), ""),
		chartOf(`{{ getHostByName "PUSHBOAT_CANARY" | fail }}`, ""),
	} {
		if got := attack(t, session, h); strings.Contains(got, canary) || bytes.Contains([]byte(got), []byte("nothing was refused")) {
			t.Errorf("%s: %s", h.files[1], got)
		}
	}
}
