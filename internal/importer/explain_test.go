package importer

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// explained grows a tree of a text, and explains it.
func explained(t *testing.T, text string) (string, manifest.Problems) {
	t.Helper()
	tree, _, problems := grow(t, text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	made, problems := tree.Explain()
	return string(made), problems
}

const inlineRelease = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: one}\n" +
	"spec: {chart: {spec: {chart: ./chart, sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}}}, VALUES}\n---\n"

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words, namespace: flux-system}\ndata: {host: a.example.org, zone: z, wrong.name: x}\n---\n"

func TestExplain(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want, not  []string
		problem    string
	}{
		{
			"an app with its line, its parent and what has no effect",
			kustomization("shop", "path: apps, wait: true"),
			[]string{"  # Kustomization flux-system/shop, a.yaml:1, made by fleet\n", "Kustomization flux-system/shop: spec.wait has no effect", "  - name: shop\n    path: apps\n", "    leaveOut:\n      - flux\n"},
			nil, "",
		},
		{
			"an app that is suspended",
			kustomization("shop", "path: apps, suspend: true"),
			[]string{"    suspended: 'suspend: true at a.yaml:4'\n", "    onRemove: keep\n"},
			nil, "",
		},
		{
			"an app whose objects stay when it goes",
			kustomization("shop", "path: apps, deletionPolicy: Orphan"),
			[]string{"    onRemove: keep\n"},
			[]string{"prune:"},
			"",
		},
		{
			"an app that prunes nothing, and whose objects go with it",
			strings.Replace(kustomization("shop", "path: apps, deletionPolicy: Delete"), "prune: true", "prune: false", 1),
			[]string{"    prune: false\n    onRemove: delete\n"},
			nil, "",
		},
		{
			"dependencies",
			kustomization("shop", "path: apps, dependsOn: [{name: base}]") + kustomization("base", "path: base"),
			[]string{"    dependsOn:\n      - base\n"},
			nil, "",
		},
		{
			"values of a ConfigMap, over which those in place win",
			configMap + kustomization("shop", "path: apps, postBuild: {substitute: {host: b}, substituteFrom: [{kind: ConfigMap, name: words}]}"),
			[]string{"      values:\n        host: b\n        zone: z\n", "values of ConfigMap flux-system/words are those that the revision gives it"},
			[]string{"from:", "wrong.name"},
			"",
		},
		{
			"values of a Secret",
			"apiVersion: v1\nkind: Secret\nmetadata: {name: words, namespace: flux-system}\nstringData: {host: hunter22}\n---\n" +
				kustomization("shop", "path: apps, postBuild: {substituteFrom: [{kind: Secret, name: words}]}"),
			[]string{
				"      from:\n        - {secret: flux-system/words}\n",
				"  # a.yaml:9: Secret flux-system/words is read from the cluster, and app fleet makes it there (a.yaml:1). Where it is not there yet, the push is refused; push this file without the entry first, and then with it\n",
			},
			[]string{"hunter22"},
			"",
		},
		{
			"values of a ConfigMap, over which those of a Secret win",
			configMap + "apiVersion: v1\nkind: Secret\nmetadata: {name: more, namespace: flux-system}\nstringData: {host: hunter22}\n---\n" +
				kustomization("shop", "path: apps, postBuild: {substituteFrom: [{kind: ConfigMap, name: words}, {kind: Secret, name: more}]}"),
			[]string{"      values:\n        zone: z\n", "      from:\n        - {secret: flux-system/more}\n", "Secret flux-system/more is read from the cluster"},
			[]string{"hunter22", "host:", "configMap:"},
			"",
		},
		{
			"values of a ConfigMap, over which those of the cluster win",
			configMap + kustomization("shop", "path: apps, postBuild: {substituteFrom: [{kind: ConfigMap, name: words}, {kind: Secret, name: far}]}"),
			[]string{"      from:\n        - {configMap: flux-system/words}\n        - {secret: flux-system/far}\n", "ConfigMap flux-system/words is read from the cluster, and app fleet makes it there (a.yaml:1)"},
			[]string{"values:", "Secret flux-system/far is read"},
			"",
		},
		{
			"values of a chart from a Secret",
			"apiVersion: v1\nkind: Secret\nmetadata: {name: words, namespace: one}\nstringData: {values.yaml: 'pin: 4711'}\n---\n" +
				strings.Replace(inlineRelease, "VALUES", "valuesFrom: [{kind: Secret, name: words}], values: {color: blue}", 1),
			[]string{"      values:\n        - color: blue\n", "entry 1 of helm.values: not written here, since it is secret", "# It is not complete: 1 problem."},
			[]string{"4711"},
			"entry 1 of helm.values is secret, and is not printed",
		},
		{
			"a dependency on nothing",
			kustomization("shop", "path: apps, dependsOn: [{name: base}]"),
			[]string{"- name: shop"},
			nil, "no Kustomization flux-system/base is in this revision",
		},
	} {
		got, problems := explained(t, test.text)
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", test.name, want, got)
			}
		}
		for _, not := range test.not {
			if strings.Contains(got, not) {
				t.Errorf("%s: %q in\n%s", test.name, not, got)
			}
		}
		if test.problem == "" && len(problems) > 0 || !strings.Contains(problems.Error(), test.problem) {
			t.Errorf("%s: problems %v", test.name, problems)
		}
		fsys := fstest.MapFS{appfile.Name: {Data: []byte(got)}, "apps/a": {}, "base/a": {}, "clusters/x/a": {}, "chart/a": {}}
		if _, wrong := appfile.Read(fsys, appfile.Place{Repo: "team/fleet.git", Main: "main"}); len(wrong) > 0 {
			t.Errorf("%s: it is refused: %v", test.name, wrong)
		}
	}
}

// TestMakeFirst: what has to be on the cluster before is made with a command.
func TestMakeFirst(t *testing.T) {
	tree, _, problems := grow(t, kustomization("shop", "path: apps, postBuild: {substituteFrom: [{kind: Secret, name: words}]}"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	files := tree.world.Tree.(fstest.MapFS)
	files["apps/sops.yaml"] = &fstest.MapFile{Data: []byte("kind: Secret\nsops:\n  mac: x\n")}
	for file, want := range map[string]string{
		"apps/a.yaml":             "make it first:\n  kubectl create namespace flux-system\n  kubectl -n flux-system apply -f apps/a.yaml",
		"apps/sops.yaml":          "make it first:\n  kubectl create namespace flux-system\n  sops decrypt apps/sops.yaml | kubectl -n flux-system apply -f -",
		"apps/kustomization.yaml": "push this file without the entry first, and then with it",
	} {
		got := strings.Join(tree.makeFirst("shop", appfile.ValuesFrom{
			Kind: "Secret", Namespace: "flux-system", Name: "words", File: "b.yaml", Line: 3, By: "base", At: manifest.Source{File: file, Line: 1},
		}), "\n")
		if !strings.HasPrefix(got, "b.yaml:3: Secret flux-system/words is read from the cluster, and app base makes it there ("+file+":1). ") || !strings.HasSuffix(got, want) {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
}

// What an object must not show is not written, wherever it has come to.
func TestExplainConceals(t *testing.T) {
	app := appfile.Default()
	app.Name, app.Hidden = "shop", []string{"hunter22", "4711"}
	app.Kustomize.Patches = []byte(`[{"patch":"a: hunter22"}]`)
	app.Kustomize.CommonAnnotations = map[string]string{"a": "hunter22"}
	app.Helm.Values = []appfile.HelmValues{{Inline: []byte(`{"a":[{"b":"x hunter22"}],"c":4711,"d":"open"}`)}}
	app.Helm.Parameters = []appfile.Parameter{{Name: "a", Value: "hunter22"}}
	app.Helm.PostRender = []appfile.Kustomize{{Patches: []byte(`[{"patch":"hunter22"}]`)}}
	app.PostBuild = appfile.PostBuild{Values: map[string]string{"a": "hunter22"}, Labels: map[string]string{"a": "hunter22"}, Annotations: map[string]string{"a": "hunter22"}}
	app.Sources = []appfile.Addition{{Path: "x", Helm: appfile.Helm{Values: []appfile.HelmValues{{Inline: []byte(`{"a":"hunter22"}`)}}}}}
	tree, _, _ := grow(t, "")
	tree.order, tree.apps["shop"] = append(tree.order, "shop"), &meaning.App{App: app}
	text, problems := tree.Explain()
	if got := string(text); strings.Contains(got, "hunter22") || strings.Contains(got, "4711") || !strings.Contains(got, "d: open") {
		t.Errorf("%s", got)
	}
	if len(problems) != 1 || !strings.Contains(problems[0].Message, "each value that is (not shown) is secret") {
		t.Errorf("problems %v", problems)
	}
	if app.Helm.Parameters[0].Value != "hunter22" || app.PostBuild.Values["a"] != "hunter22" {
		t.Error("the app itself has changed")
	}
}

func TestWithout(t *testing.T) {
	objects, problems := manifest.Parse("a.yaml", []byte(kustomization("a", "path: b")+configMap+"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, test := range []struct {
		tools string
		want  string
	}{{"", "Kustomization ConfigMap Application"}, {"flux", "ConfigMap Application"}, {"argo", "Kustomization ConfigMap"}, {"flux argo", "ConfigMap"}} {
		var kinds []string
		for _, o := range Without(strings.Fields(test.tools), objects) {
			kinds = append(kinds, o.GetKind())
		}
		if got := strings.Join(kinds, " "); got != test.want {
			t.Errorf("%s: %s", test.tools, got)
		}
	}
	if len(objects) != 3 {
		t.Error("the objects themselves have changed")
	}
}
