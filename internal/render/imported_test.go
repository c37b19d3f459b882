package render

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// renderChart renders an app for a cluster.
func renderChart(t *testing.T, fsys fs.FS, app appfile.App) (Result, manifest.Problems) {
	t.Helper()
	session := New(newGoldenSession(t).pool, cluster).Session(fsys)
	defer session.Close()
	return session.App(t.Context(), app)
}

// A folder without a kustomization gets one, of all manifests in it and below, but for folders
// that have their own, and files that are none.
func TestKustomizationIsGenerated(t *testing.T) {
	fsys := revision(
		"a/one.yaml", object("one"), "a/b/two.yml", object("two"), "a/c/kustomization.yaml", "resources: [three.yaml]\nnamePrefix: p-\n",
		"a/c/three.yaml", object("three"), "a/c/unused.yaml", object("four"), "a/.github/five.yaml", "x: y\n", "a/.sops.yaml", "x: y\n",
		"a/empty.yaml", "# nothing\n", "a/README.md", "# A\n",
	)
	app := appfile.App{Name: "shop", Path: "a", Cluster: "default", Render: appfile.RenderKustomize, Kustomize: appfile.Kustomize{Generate: true, Namespace: "n"}}
	result, problems := renderApp(fsys, app)
	var got []string
	for _, o := range result.Objects {
		got = append(got, o.GetNamespace()+"/"+o.GetName()+" "+o.Source.File)
	}
	slices.Sort(got)
	want := []string{"n/one a/one.yaml", "n/p-three a/c/three.yaml", "n/two a/b/two.yml"}
	if len(problems) > 0 || !slices.Equal(got, want) {
		t.Errorf("%q, problems %v", got, problems)
	}
	fsys["a/values.yaml"] = revision("a", "color: blue\n")["a"]
	if _, problems = renderApp(fsys, app); !strings.Contains(problems.Error(), "a/values.yaml:1") {
		t.Errorf("problems %v", problems)
	}
}

// chartOfSecrets makes a ConfigMap of a value in several ways, and has one hook.
var chartOfSecrets = []string{
	"c/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n",
	"c/templates/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {open: x, coded: '{{ .Values.password | b64enc }}', part: '{{ .Values.password | trunc 3 }}'}\n",
	"c/templates/hook.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-install}}\ndata: {open: x}\n",
}

// What a chart makes of hidden texts in its values is concealed.
func TestHiddenSettingsAreConcealed(t *testing.T) {
	app := appfile.App{Name: "shop", Path: "c", Cluster: "default", Render: appfile.RenderHelm, Hidden: []string{"hunter22"}}
	app.Helm.Values = []appfile.HelmValues{{Inline: json.RawMessage(`{"password":"hunter22"}`)}}
	result, problems := renderChart(t, revision(chartOfSecrets...), app)
	if len(problems) > 0 || len(result.Objects) != 2 {
		t.Fatal(problems)
	}
	for _, o := range result.Objects {
		want := []string{"/data/coded", "/data/part"}
		if o.GetName() == "hook" {
			want = nil
		}
		concealed := slices.Sorted(slices.Values(o.Concealed()))
		if !slices.Equal(concealed, want) {
			t.Errorf("%s conceals %q", o.GetName(), concealed)
		}
	}
	named := slices.Clone(chartOfSecrets)
	named[3] = strings.Replace(named[3], "{name: a}", "{name: 'a-{{ .Values.password }}'}", 1)
	if _, problems := renderChart(t, revision(named...), app); !strings.Contains(problems.Error(), "names are shown everywhere") || strings.Contains(problems.Error(), "hunter22") {
		t.Errorf("problems %v", problems)
	}
}

// What a patch brings of hidden texts is concealed, too.
func TestHiddenPatchesAreConcealed(t *testing.T) {
	app := appfile.App{Name: "shop", Path: "a", Cluster: "default", Render: appfile.RenderKustomize, Hidden: []string{"hunter22"}}
	app.Kustomize = appfile.Kustomize{Generate: true, Patches: json.RawMessage(`[{"target":{"kind":"ConfigMap"},"patch":"[{\"op\":\"add\",\"path\":\"/data\",\"value\":{\"p\":\"x-hunter22\",\"q\":\"y\"}}]"}]`)}
	result, problems := renderApp(revision("a/one.yaml", object("one")), app)
	if len(problems) > 0 || len(result.Objects) != 1 || !slices.Equal(result.Objects[0].Concealed(), []string{"/data/p"}) {
		t.Errorf("%v, problems %v", result.Objects, problems)
	}
}

func TestPostRenderers(t *testing.T) {
	app := appfile.App{Name: "shop", Path: "c", Cluster: "default", Render: appfile.RenderHelm}
	app.Helm.Values = []appfile.HelmValues{{Inline: json.RawMessage(`{"password":"x"}`)}}
	app.Helm.PostRender = []appfile.Kustomize{{Patches: json.RawMessage(`[{"target":{"kind":"ConfigMap"},"patch":"[{\"op\":\"replace\",\"path\":\"/data/open\",\"value\":\"y\"}]"}]`)}}
	result, problems := renderChart(t, revision(chartOfSecrets...), app)
	if len(problems) > 0 || len(result.Objects) != 2 {
		t.Fatal(problems)
	}
	for _, o := range result.Objects {
		want := "y"
		if o.GetName() == "hook" {
			want = "x"
		}
		if got, _ := o.ValueAt("data.open"); got != want || o.Source.File == "" {
			t.Errorf("%s: %v at %s", o.GetName(), got, o.Source)
		}
	}
	app.Helm.PostRender[0].Patches = json.RawMessage(`[{"path":"secret.yaml"}]`)
	if _, problems := renderChart(t, revision(chartOfSecrets...), app); !strings.Contains(problems.Error(), "is not read here") {
		t.Errorf("problems %v", problems)
	}
}

// What Flux leaves out of its archives is not in a generated kustomization, and a folder with
// nothing in it renders to nothing.
func TestGeneratedKustomizationIgnores(t *testing.T) {
	fsys := revision(
		".sourceignore", "*.draft.yaml\n/a/old/*\n!/a/old/kept.yaml\n", "a/one.yaml", object("one"), "a/x.draft.yaml", "x: y\n",
		"a/old/gone.yaml", "x: y\n", "a/old/kept.yaml", object("kept"), "a/.sourceignore", "own/\n", "a/own/kustomization.yaml", "x: y\n", "a/own/b.yaml", object("b"), "a/UPPER.YAML", "x: y\n",
		"empty/README.md", "# E\n", "listed/kustomization.yaml", "resources: []\n",
	)
	for folder, want := range map[string][]string{"a": {"kept", "one"}, "empty": nil, "listed": nil} {
		app := appfile.App{Name: "shop", Path: folder, Cluster: "default", Render: appfile.RenderKustomize, Kustomize: appfile.Kustomize{Generate: true}}
		result, problems := renderApp(fsys, app)
		var got []string
		for _, o := range result.Objects {
			got = append(got, o.GetName())
		}
		slices.Sort(got)
		if len(problems) > 0 || !slices.Equal(got, want) {
			t.Errorf("%s: %q, problems %v", folder, got, problems)
		}
	}
	fsys["a/.sourceignore"] = revision("a", "[\n")["a"]
	app := appfile.App{Name: "shop", Path: "a", Cluster: "default", Render: appfile.RenderKustomize, Kustomize: appfile.Kustomize{Generate: true}}
	if _, problems := renderApp(fsys, app); !strings.Contains(problems.Error(), "a/.sourceignore: line 1") {
		t.Errorf("problems %v", problems)
	}
}

// Settings that replace take the place of those of the folder: a part of an image, for Flux, or all
// of it.
func TestSettingsReplace(t *testing.T) {
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: a}, {name: b, image: b}, {name: c, image: c}, {name: d, image: d}]}\n"
	fsys := revision("a/kustomization.yaml", "resources: [pod.yaml]\nnamePrefix: in-\nnameSuffix: -in\nimages: [{name: a, newName: x, newTag: v1}, {name: b, newTag: v1}, {name: c, digest: 'sha256:00'}]\n", "a/pod.yaml", pod)
	images := json.RawMessage(`[{"name":"a","newTag":"v2"},{"name":"b","newName":"y"},{"name":"c","newTag":"v3"},{"name":"d","newTag":"v4"}]`)
	for _, test := range []struct {
		settings appfile.Kustomize
		name     string
		images   []string
	}{
		{appfile.Kustomize{NamePrefix: "out-", NameSuffix: "-out", Images: images, Replace: true, Generate: true}, "out-web-out", []string{"x:v2", "y:v1", "c:v3", "d:v4"}},
		{appfile.Kustomize{NamePrefix: "out-", Images: images, Replace: true}, "out-web-in", []string{"a:v2", "y", "c:v3", "d:v4"}},
		{appfile.Kustomize{NamePrefix: "out-", NameSuffix: "-out"}, "out-in-web-in-out", []string{"x:v1", "b:v1", "c@sha256:00", "d"}},
	} {
		result, problems := renderApp(fsys, appfile.App{Name: "shop", Path: "a", Cluster: "default", Render: appfile.RenderKustomize, Kustomize: test.settings})
		if len(problems) > 0 || len(result.Objects) != 1 {
			t.Fatal(problems)
		}
		var got []string
		for _, container := range []string{"a", "b", "c", "d"} {
			image, _ := result.Objects[0].ValueAt("spec.containers[" + container + "].image")
			text, _ := image.(string)
			got = append(got, text)
		}
		if o := result.Objects[0]; o.GetName() != test.name || !slices.Equal(got, test.images) {
			t.Errorf("%+v: %s with %q", test.settings, o.GetName(), got)
		}
	}
}

// Values of a file may take the place of the chart's own.
func TestValuesReplaceThoseOfTheChart(t *testing.T) {
	files := revision("c/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n", "c/values.yaml", "a: own\n", "prod.yaml", "b: prod\n",
		"c/templates/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {values: '{{ .Values | toJson }}'}\n")
	for replace, want := range map[bool]string{true: `{"b":"prod"}`, false: `{"a":"own","b":"prod"}`} {
		app := appfile.App{Name: "shop", Path: "c", Cluster: "default", Render: appfile.RenderHelm}
		app.Helm = appfile.Helm{ReplaceValues: replace, Values: []appfile.HelmValues{{File: "../prod.yaml"}}}
		result, problems := renderChart(t, files, app)
		if len(problems) > 0 || len(result.Objects) != 1 {
			t.Fatal(problems)
		}
		if got, _ := result.Objects[0].ValueAt("data.values"); got != want {
			t.Errorf("%v: %v", replace, got)
		}
	}
}

// Hooks are post-rendered with the other objects, by themselves, or not at all.
func TestPostRenderersOfHooks(t *testing.T) {
	named := slices.Clone(chartOfSecrets)
	named[5] = strings.Replace(named[5], "name: hook", "name: a", 1)
	for _, test := range []struct {
		hooks, want string
		files       []string
	}{
		{appfile.HooksLeft, "x", chartOfSecrets},
		{appfile.HooksCombined, "y", chartOfSecrets},
		{appfile.HooksSeparate, "y", chartOfSecrets},
		{appfile.HooksCombined, "y", named},
		{appfile.HooksSeparate, "y", named},
	} {
		app := appfile.App{Name: "shop", Path: "c", Cluster: "default", Render: appfile.RenderHelm}
		app.Helm.Values = []appfile.HelmValues{{Inline: json.RawMessage(`{"password":"x"}`)}}
		app.Helm.PostRender = []appfile.Kustomize{{Patches: json.RawMessage(`[{"target":{"kind":"ConfigMap"},"patch":"[{\"op\":\"replace\",\"path\":\"/data/open\",\"value\":\"y\"}]"}]`)}}
		app.Helm.PostRenderHooks = test.hooks
		result, problems := renderChart(t, revision(test.files...), app)
		if len(problems) > 0 || len(result.Objects) != 2 {
			t.Fatal(problems)
		}
		for _, o := range result.Objects {
			want := "y"
			if o.GetAnnotations()["helm.sh/hook"] != "" {
				want = test.want
			}
			if got, _ := o.ValueAt("data.open"); got != want {
				t.Errorf("%s: %s: %v", test.hooks, o.ID(), got)
			}
		}
	}
}
