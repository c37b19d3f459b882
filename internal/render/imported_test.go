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
