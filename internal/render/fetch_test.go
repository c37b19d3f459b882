package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"maps"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/charts/chartstest"
	"github.com/pushboat/pushboat/internal/render/helm"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// shelf is a registry, and a server that may fetch from it.
type shelf struct {
	*chartstest.Registry
	t     *testing.T
	store *charts.Store
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	registry, err := chartstest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	store, err := charts.New(charts.Config{Registries: []string{registry.Repo(), registry.OCI()}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return &shelf{registry, t, store}
}

// publish packs files and publishes them as a chart.
func (s *shelf) publish(name, version string, files map[string]string) {
	archive, err := chartstest.Pack(files)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Publish(name, version, archive)
}

// render renders an app of a revision.
func (s *shelf) render(app appfile.App, pairs ...string) (Result, manifest.Problems) {
	return s.renderIn(app, revision(pairs...))
}

func (s *shelf) renderIn(app appfile.App, fsys fs.FS) (Result, manifest.Problems) {
	program, err := worker.Program()
	if err != nil {
		s.t.Fatal(err)
	}
	pool := worker.NewPool(program, worker.DefaultLimits, logrus.NewEntry(logrus.New()))
	defer pool.Close()
	ask := func(context.Context, string) (helm.Cluster, error) { return helm.Offline(), nil }
	session := New(pool, ask).WithCharts(s.store).Session(fsys)
	defer session.Close()
	app.Name, app.Render = "web", "auto"
	if app.Path == "" {
		app.Path = "."
	}
	return session.App(s.t.Context(), app)
}

// named is an app that uses a chart from the registry.
func (s *shelf) named(name, version string) appfile.App {
	return appfile.App{Helm: appfile.Helm{Chart: name, Version: version, Repo: s.Repo(), Line: 3}}
}

// minimal returns the files of a chart with one ConfigMap.
func minimal(name, version string) map[string]string {
	return map[string]string{
		name + "/Chart.yaml":            "apiVersion: v2\nname: " + name + "\nversion: " + version + "\n",
		name + "/templates/object.yaml": object(name),
	}
}

// with returns files with more of them, given as path, text, path, text.
func with(files map[string]string, more ...string) map[string]string {
	files = maps.Clone(files)
	for i := 0; i+1 < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

// TestHostileCharts: a chart from a registry is unpacked within the limits of a worker,
// and must be the requested one.
func TestHostileCharts(t *testing.T) {
	s := newShelf(t)
	zeros := strings.Repeat("\x00", 60<<20)
	for want, files := range map[string]map[string]string{
		"the archive holds other 1.0.0":             {"web/Chart.yaml": minimal("other", "1.0.0")["other/Chart.yaml"]},
		"the archive holds web 1.0.1":               minimal("web", "1.0.1"),
		"larger than the maximum size":              with(minimal("web", "1.0.0"), "web/a", zeros, "web/b", zeros),
		"references parent directory":               with(minimal("web", "1.0.0"), "web/../../etc/passwd", "x"),
		"contains absolute paths":                   with(minimal("web", "1.0.0"), "web//etc/passwd", "x"),
		"illegally named files":                     with(minimal("web", "1.0.0"), "web/c:/x", "x"),
		"Chart.yaml file is missing":                {"web/values.yaml": "a: 1"},
		"it does not bring its dependency database": with(minimal("web", "1.0.0"), "web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: database, version: 1.0.0, repository: 'https://example.org'}]\n"),
	} {
		s = newShelf(t)
		s.publish("web", "1.0.0", files)
		_, problems := s.render(s.named("web", "1.0.0"))
		if len(problems) == 0 || !strings.Contains(problems.Error(), want) || problems[0].Source.Line != 3 {
			t.Errorf("want %q: %v", want, problems)
		}
	}
	s.Publish("text", "1.0.0", []byte("this is no archive"))
	if _, problems := s.render(s.named("text", "1.0.0")); len(problems) == 0 {
		t.Error("a file that is no archive was rendered")
	}
}

// TestChartOfARegistry: objects and errors name the template in the archive, and the values
// come from the app's folder.
func TestChartOfARegistry(t *testing.T) {
	s := newShelf(t)
	s.publish("web", "1.0.0", with(minimal("web", "1.0.0"), "web/templates/text.yaml",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: text}\ndata:\n  text: {{ required \"text is missing\" .Values.text }}\n"))
	app := s.named("web", "1.0.0")
	_, problems := s.render(app)
	if len(problems) != 1 || problems[0].Source.File != "web-1.0.0.tgz/templates/text.yaml" || problems[0].Source.Line != 5 {
		t.Errorf("without the value: %v", problems)
	}
	app.Path, app.Helm.Values = "deploy", []appfile.HelmValues{{File: "../values.yaml"}}
	result, problems := s.render(app, "values.yaml", "text: here", "deploy/other", "")
	if len(problems) > 0 || len(result.Objects) != 2 {
		t.Fatalf("%d objects, %v", len(result.Objects), problems)
	}
	if at := result.Objects[1].Source; at.File != "web-1.0.0.tgz/templates/text.yaml" || at.Line != 2 {
		t.Errorf("the object is from %v", at)
	}
	if len(result.Charts) != 1 || result.Charts[0].Name != "web" || !strings.HasPrefix(result.Charts[0].Digest, "sha256:") {
		t.Errorf("charts: %v", result.Charts)
	}
}

// lockOf returns the Chart.lock that helm dependency update writes.
func lockOf(t *testing.T, wanted, locked []*chart.Dependency) string {
	t.Helper()
	text, err := json.Marshal([2][]*chart.Dependency{wanted, locked})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	lock, err := json.Marshal(map[string]any{"dependencies": locked, "digest": "sha256:" + hex.EncodeToString(sum[:])})
	if err != nil {
		t.Fatal(err)
	}
	return string(lock)
}

// TestChartOfARegistryWithoutAServer: nothing is fetched unless a flag allows it. The
// hint names the flag, not the configuration of a server, since there is none.
func TestChartOfARegistryWithoutAServer(t *testing.T) {
	s := newShelf(t)
	elsewhere, err := charts.New(charts.Config{Registries: []string{"https://example.org"}, Dir: t.TempDir(), Local: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, s.store = range []*charts.Store{nil, elsewhere} {
		_, problems := s.render(s.named("web", "1.0.0"), "pushboat.yaml", "")
		if len(problems) != 1 || problems[0].Message != "charts may not be fetched from "+s.Repo() || !strings.Contains(problems[0].Hint, "give --registry "+s.Repo()+", or --config") {
			t.Errorf("got %v", problems)
		}
	}
	if asked := s.Asked(); len(asked) > 0 {
		t.Errorf("the registry was asked: %q", asked)
	}
}

// TestDependenciesOfRegistries: a dependency is pinned by Chart.lock, or by an exact
// version.
func TestDependenciesOfRegistries(t *testing.T) {
	s := newShelf(t)
	s.publish("database", "1.2.3", minimal("database", "1.2.3"))
	chartOf := func(version string) string {
		return "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- name: database\n  version: " + version + "\n  repository: " + s.Repo() + "\n"
	}
	of := func(version string) []*chart.Dependency {
		return []*chart.Dependency{{Name: "database", Version: version, Repository: s.Repo()}}
	}
	for _, test := range []struct {
		name  string
		pairs []string
		want  string // a problem; "" for none
	}{
		{"an exact version", []string{"Chart.yaml", chartOf("1.2.3")}, ""},
		{"a range without a lock", []string{"Chart.yaml", chartOf("^1.2.0")}, `"^1.2.0" is no exact version`},
		{"a range with a lock", []string{"Chart.yaml", chartOf("^1.2.0"), "Chart.lock", lockOf(t, of("^1.2.0"), of("1.2.3"))}, ""},
		{"a lock of another Chart.yaml", []string{"Chart.yaml", chartOf("^1.2.0"), "Chart.lock", lockOf(t, of("^1.0.0"), of("1.2.3"))}, "its digest is another"},
		{"a lock that was changed", []string{"Chart.yaml", chartOf("^1.2.0"), "Chart.lock", strings.Replace(lockOf(t, of("^1.2.0"), of("1.2.2")), "1.2.2", "1.2.3", 1)}, "its digest is another"},
		{"one beside it that has one", []string{
			"Chart.yaml", "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies: [{name: web, version: 1.0.0, repository: 'file://web'}]\n",
			"web/Chart.yaml", chartOf("1.2.3"),
		}, ""},
		{"an alias of somebody's list", []string{"Chart.yaml", strings.Replace(chartOf("1.2.3"), s.Repo(), "'@stable'", 1)}, "does not begin with https://"},
		{"one that is not allowed", []string{"Chart.yaml", strings.Replace(chartOf("1.2.3"), s.Repo(), "https://example.org", 1)}, "is not in charts/, and nothing is fetched from https://example.org"},
	} {
		result, problems := s.render(appfile.App{}, test.pairs...)
		if test.want != "" {
			if len(problems) != 1 || !strings.Contains(problems.Error(), test.want) || problems[0].Source.Line == 0 && !strings.Contains(test.name, "beside") {
				t.Errorf("%s: %v", test.name, problems)
			}
			continue
		}
		if len(problems) > 0 || len(result.Objects) != 1 || len(result.Charts) != 1 {
			t.Errorf("%s: %d objects, charts %v, %v", test.name, len(result.Objects), result.Charts, problems)
		}
	}
}

// TestLocksThatHelmWrote: the digest is Helm's, not one of our own. The lock is that of the
// chart argo-cd 4.7 (github.com/argoproj/argo-helm).
func TestLocksThatHelmWrote(t *testing.T) {
	s := newShelf(t)
	const wanted = "apiVersion: v2\nname: argo-cd\nversion: 4.7.0\ndependencies:\n- name: redis-ha\n  version: 4.15.0\n  repository: https://dandydeveloper.github.io/charts/\n  condition: redis-ha.enabled\n"
	const digest = "sha256:dbe1d621ce62ce8cf42eb1b60b8d35667beb8920bc3dbf7417f77081c8ed5f2d"
	const lock = "dependencies:\n- name: redis-ha\n  repository: https://dandydeveloper.github.io/charts/\n  version: 4.15.0\ndigest: " + digest + "\n"
	for _, test := range []struct{ name, about, lock, want string }{
		{"as it is", wanted, lock, "the dependency redis-ha is not in charts/, and nothing is fetched from https://dandydeveloper.github.io/charts/"},
		{"another digest", wanted, strings.Replace(lock, digest, "sha256:"+strings.Repeat("0", 64), 1), "its digest is another"},
		{"another condition", strings.Replace(wanted, "redis-ha.enabled", "redis.enabled", 1), lock, "its digest is another"},
		{"another version locked", wanted, strings.Replace(lock, "version: 4.15.0", "version: 4.15.1", 1), "its digest is another"},
	} {
		_, problems := s.render(appfile.App{}, "Chart.yaml", test.about, "Chart.lock", test.lock)
		if len(problems) != 1 || !strings.Contains(problems.Error(), test.want) {
			t.Errorf("%s: %v", test.name, problems)
		}
	}
}

// TestFilesOfValuesInTheChart: a chart may bring files of values beside its own.
func TestFilesOfValuesInTheChart(t *testing.T) {
	s := newShelf(t)
	files := map[string]string{
		"web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "web/values.yaml": "a: own\nb: own\n",
		"web/env/prod.yaml": "a: prod\n", "web/bad.yaml": "[]\n", "web/templates/a.yaml": object("{{ .Values.a }}-{{ .Values.b }}"),
	}
	s.publish("web", "1.0.0", files)
	folder := []string{"prod.yaml", "a: ours\n"}
	for name, text := range files {
		folder = append(folder, name, text)
	}
	for name, test := range map[string]struct {
		values  []string
		replace bool
		want    string
	}{
		"over its own":        {[]string{"chart:env/prod.yaml"}, false, "prod-own"},
		"in order":            {[]string{"chart:env/prod.yaml", "prod.yaml"}, false, "ours-own"},
		"in place of its own": {[]string{"chart:values.yaml", "chart:env/prod.yaml"}, true, "prod-own"},
		"one that is absent":  {[]string{"chart:none.yaml"}, false, "none.yaml: there is no such file"},
		"one outside":         {[]string{"chart:../prod.yaml"}, false, `"chart:../prod.yaml" leads out of the chart`},
		"no mapping":          {[]string{"chart:bad.yaml"}, false, "bad.yaml:1: values are not a mapping"},
	} {
		for of, app := range map[string]appfile.App{"registry": s.named("web", "1.0.0"), "folder": {Path: "web"}} {
			app.Helm.ReplaceValues = test.replace
			for _, file := range test.values {
				if of == "folder" && file == "prod.yaml" {
					file = "../prod.yaml"
				}
				app.Helm.Values = append(app.Helm.Values, appfile.HelmValues{File: file, Line: 5})
			}
			result, problems := s.render(app, folder...)
			got := problems.Error()
			if len(problems) == 0 {
				got = result.Objects[0].GetName()
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("%s, of a %s: %s", name, of, got)
			}
		}
	}
}
