package importer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

func kustomization(name, spec string) string {
	return "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: " + name + ", namespace: flux-system}\n" +
		"spec: {prune: true, sourceRef: {kind: GitRepository, name: flux-system}, " + spec + "}\n---\n"
}

func release(name, namespace string) string {
	return "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: " + name + ", namespace: " + namespace + "}\n" +
		"spec: {chart: {spec: {chart: ./chart, sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}}}}\n---\n"
}

// grow grows a tree from its root, whose rendering has the objects of a text; no other app's
// has any.
func grow(t *testing.T, text string) (*Tree, []name.App, manifest.Problems) {
	t.Helper()
	fsys := fstest.MapFS{"clusters/x/flux-system/gotk-sync.yaml": {Data: []byte(kustomization("flux-system", "path: ./clusters/x"))}, "apps/a.yaml": {}}
	tree, problems := new(Finder).begin(meaning.World{Repo: "team/fleet.git", Branch: "main", Tree: fsys, Clusters: appfile.Clusters{"default": nil}}, appfile.Import{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	specs, problems := tree.Roots()
	if len(problems) > 0 || len(specs) != 1 || specs[0].Name != "fleet" || specs[0].Imported != "Kustomization" {
		t.Fatalf("roots %+v, problems %v", specs, problems)
	}
	objects, problems := manifest.Parse("a.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	applied, meant := Split(objects)
	problems = tree.Add(specs[0], applied, meant)
	var apps []name.App
	for {
		next, wrong := tree.Next()
		problems = append(problems, wrong...)
		if len(next) == 0 {
			slices.Sort(apps)
			return tree, apps, problems
		}
		for _, spec := range next {
			apps = append(apps, spec.Name)
		}
	}
}

// TestRootOfAMirror: where a repository has no pushboat.yaml, what is known of it names the root.
func TestRootOfAMirror(t *testing.T) {
	fsys := fstest.MapFS{
		"prod/apps.yaml": {Data: []byte(kustomization("apps", "path: ./apps"))}, "test/apps.yaml": {Data: []byte(kustomization("apps", "path: ./apps"))},
		"argo/one.yaml": {Data: []byte(application("one"))}, "apps/a.yaml": {}, "deep/er/web.yaml": {Data: []byte(release("web", "one"))},
	}
	for folder, want := range map[string]string{"prod": "fleet prod kustomize", "argo": "fleet argo auto", "": "several clusters", "none": "there is no folder none", "deep": "fleet deep kustomize"} {
		file, tree, problems := ReadFile(fsys, appfile.Place{Repo: "fleet", Main: "main", Folder: folder}, &Finder{})
		got := problems.Error()
		if len(problems) == 0 && tree != nil && len(file.Apps) == 1 {
			got = fmt.Sprintf("%s %s %s", file.Apps[0].Name, file.Apps[0].Path, file.Apps[0].Render)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", folder, got, want)
		}
	}
}

func application(called string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: " + called + "}\nspec:\n" +
		"  destination: {name: in-cluster, namespace: shop}\n  source: {repoURL: 'https://example.org/team/fleet', path: apps}\n"
}

// TestRootFolders: where flux bootstrap has written nothing, the tree begins with a folder that
// it could have had as its path, or that somebody names.
func TestRootFolders(t *testing.T) {
	const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for _, test := range []struct {
		name     string
		files    map[string]string
		settings appfile.Import
		want     string // name, path and render of the roots
	}{
		{"objects alone", map[string]string{"prod/apps.yaml": kustomization("apps", "path: ./apps"), "prod/ns.yaml": config}, appfile.Import{}, "fleet prod kustomize"},
		{"other files beside them", map[string]string{"prod/apps.yaml": kustomization("apps", "path: ./apps"), "prod/values.yaml": "a: b\n"}, appfile.Import{}, "apps apps kustomize"},
		{"and a kustomization", map[string]string{"prod/apps.yaml": kustomization("apps", "path: ./apps"), "prod/values.yaml": "a: b\n", "prod/kustomization.yaml": "resources: [apps.yaml]\n"}, appfile.Import{}, "fleet prod kustomize"},
		{"one that is named", map[string]string{"prod/apps.yaml": kustomization("apps", "path: ./apps"), "test/apps.yaml": kustomization("apps", "path: ./apps")}, appfile.Import{Root: "test"}, "fleet test kustomize"},
		{"one of Argo CD that is named", map[string]string{"apps/Chart.yaml": "name: apps\nversion: 1.0.0\n"}, appfile.Import{Tool: appfile.ToolArgo, Root: "apps"}, "fleet apps auto"},
		{"a file of Argo CD that is named", map[string]string{"a.yaml": application("one"), "b.yaml": application("one")}, appfile.Import{Tool: appfile.ToolArgo, Root: "b.yaml"}, "one apps plain"},
		{"two files of Argo CD with other contents", map[string]string{"a.yaml": application("one"), "b.yaml": application("one") + "  project: default\n"}, appfile.Import{Tool: appfile.ToolArgo}, "is there twice; the other is at a.yaml:1"},
		{"a file without objects", map[string]string{"a.yaml": config}, appfile.Import{Tool: appfile.ToolArgo, Root: "a.yaml"}, "there is no object of Argo CD in the file"},
		{"no such file", nil, appfile.Import{Tool: appfile.ToolArgo, Root: "none.yaml"}, "there is no file or folder none.yaml, which is named as the root"},
		{"one that is not there", map[string]string{"prod/apps.yaml": kustomization("apps", "path: ./apps")}, appfile.Import{Root: "none"}, "there is no file or folder none, which is named as the root"},
		{"one of Flux that is not there", nil, appfile.Import{Tool: appfile.ToolFlux, Root: "none"}, "there is no folder none, which is named as the root"},
	} {
		fsys := fstest.MapFS{"apps/a.yaml": {Data: []byte(config)}}
		for file, text := range test.files {
			fsys[file] = &fstest.MapFile{Data: []byte(text)}
		}
		tree, problems := new(Finder).begin(meaning.World{Repo: "fleet", Branch: "main", Tree: fsys, Clusters: appfile.Clusters{"default": nil}}, test.settings)
		got := problems.Error()
		if len(problems) == 0 {
			specs, wrong := tree.Roots()
			if got = wrong.Error(); len(wrong) == 0 && len(specs) == 1 {
				got = fmt.Sprintf("%s %s %s", specs[0].Name, specs[0].Path, specs[0].Render)
			}
		}
		if !strings.HasSuffix(got, test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestSeveralClusters: each cluster has a tree of its own, in which objects are called alike.
func TestSeveralClusters(t *testing.T) {
	fsys := fstest.MapFS{"apps/a.yaml": {}}
	for _, cluster := range []string{"prod", "test", "unknown"} {
		fsys["clusters/"+cluster+"/flux-system/gotk-sync.yaml"] = &fstest.MapFile{Data: []byte(kustomization("flux-system", "path: ./clusters/"+cluster))}
	}
	tree, problems := new(Finder).begin(meaning.World{Repo: "fleet", Branch: "main", Tree: fsys, Clusters: appfile.Clusters{"default": nil, "prod": nil, "test": nil}}, appfile.Import{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	roots, problems := tree.Roots()
	var apps []string
	for _, root := range roots {
		children, wrong := manifest.Parse("apps.yaml", []byte(kustomization("one", "path: ./apps")+kustomization("two", "path: ./apps, dependsOn: [{name: one}]")))
		problems = append(append(problems, wrong...), tree.Add(root, nil, children)...)
	}
	for level := roots; len(level) > 0; {
		for _, app := range level {
			apps = append(apps, fmt.Sprintf("%s on %s", app.Name, app.Cluster))
		}
		var wrong manifest.Problems
		level, wrong = tree.Next()
		problems = append(problems, wrong...)
	}
	after, wrong := tree.Finish(true)
	want := []string{"fleet-prod on prod", "fleet-test on test", "one-prod on prod", "two-prod on prod", "one-test on test", "two-test on test"}
	if problems = append(problems, wrong...); len(problems) > 0 || !slices.Equal(apps, want) || !slices.Equal(after["two-test"], []name.App{"one-test"}) {
		t.Errorf("apps %q after %v, problems %v", apps, after, problems)
	}
}

// TestSecondCluster: apps of one cluster are the same when another cluster of the repository
// becomes known, where no root is written down as well.
func TestSecondCluster(t *testing.T) {
	fsys := fstest.MapFS{"apps/a.yaml": {}}
	for _, cluster := range []string{"prod", "test"} {
		fsys["clusters/"+cluster+"/apps.yaml"] = &fstest.MapFile{Data: []byte(kustomization("apps", "path: ./apps"))}
	}
	for _, clusters := range []appfile.Clusters{{"prod": nil}, {"prod": nil, "test": nil}} {
		tree, problems := new(Finder).begin(meaning.World{Repo: "fleet", Branch: "main", Tree: fsys, Clusters: clusters}, appfile.Import{})
		roots, wrong := tree.Roots()
		if problems = append(problems, wrong...); len(problems) > 0 || len(roots) != len(clusters) {
			t.Fatalf("roots %+v, problems %v", roots, problems)
		}
		if root := roots[0]; root.Name != "fleet-prod" || root.Path != "clusters/prod" || root.Cluster != "prod" {
			t.Errorf("with %d clusters the root is %s of %s on %s", len(clusters), root.Name, root.Path, root.Cluster)
		}
	}
}

// TestOnlyCluster: a root that is called like no cluster is for the only one that the repository may
// use, and for the default one if that is among several.
func TestOnlyCluster(t *testing.T) {
	fsys := fstest.MapFS{"apps/a.yaml": {}, "flux/apps.yaml": &fstest.MapFile{Data: []byte(kustomization("apps", "path: ./apps"))}}
	for want, clusters := range map[string]appfile.Clusters{"prod": {"prod": nil}, "default": {"default": nil, "test": nil}} {
		tree, problems := new(Finder).begin(meaning.World{Repo: "fleet", Branch: "main", Tree: fsys, Clusters: clusters}, appfile.Import{})
		roots, wrong := tree.Roots()
		if problems = append(problems, wrong...); len(problems) > 0 || len(roots) != 1 || roots[0].Cluster != want {
			t.Errorf("want cluster %s: roots %+v, problems %v", want, roots, problems)
		}
	}
}

func TestNames(t *testing.T) {
	_, apps, problems := grow(t, kustomization("shop", "path: a")+release("shop", "one")+release("shop", "two")+release("web", "one")+kustomization("Big.One", "path: b")+kustomization(strings.Repeat("x", 60), "path: c"))
	want := []name.App{"big-one", "shop", "shop-release", "two-shop", "web"}
	if len(problems) > 0 || len(apps) != 6 || !slices.Equal(apps[:5], want) || len(apps[5]) > name.MaxApp {
		t.Errorf("apps %v, problems %v", apps, problems)
	}
}

func TestDependencies(t *testing.T) {
	tree, _, problems := grow(t, kustomization("a", "dependsOn: [{name: b}]")+kustomization("b", "interval: 1h"))
	after, wrong := tree.Finish(true)
	if len(problems)+len(wrong) > 0 || !slices.Equal(after["a"], []name.App{"b"}) {
		t.Errorf("after %v, problems %v", after, append(problems, wrong...))
	}
	tree, _, _ = grow(t, kustomization("a", "dependsOn: [{name: b}]")+kustomization("b", "dependsOn: [{name: a}]"))
	if _, wrong = tree.Finish(true); !strings.Contains(wrong.Error(), "a cycle: a > b > a") {
		t.Errorf("problems %v", wrong)
	}
	tree, _, _ = grow(t, kustomization("a", "dependsOn: [{name: c}]"))
	if _, wrong = tree.Finish(true); !strings.Contains(wrong.Error(), "no Kustomization flux-system/c is in this revision") {
		t.Errorf("problems %v", wrong)
	}
}

// TestMisspeltDependencies: a dependency on what is not there has the nearest name of its kind and
// namespace as the way out, if one is near.
func TestMisspeltDependencies(t *testing.T) {
	for on, want := range map[string]string{
		"databse":                  "did you mean database? Else take it out, or commit it",
		"queue":                    "take it out, or commit it",
		"databse, namespace: shop": "take it out, or commit it",
		"web-serve":                "take it out, or commit it", // that is a HelmRelease
	} {
		tree, _, problems := grow(t, kustomization("database", "path: apps")+release("web-server", "flux-system")+kustomization("shop", "path: apps, dependsOn: [{name: "+on+"}]"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if _, problems = tree.Finish(true); len(problems) != 1 || problems[0].App != "shop" || problems[0].Hint != want {
			t.Errorf("%s: %+v, want the hint %s", on, problems, want)
		}
		// Where an app could not be rendered, that may make what is not there.
		if _, problems = tree.Finish(false); (len(problems) > 0) != strings.HasPrefix(want, "did you mean") {
			t.Errorf("%s, in a tree that is not whole: %v", on, problems)
		}
	}
}

// Notes are told of the apps that are asked for alone.
func TestNotes(t *testing.T) {
	tree, _, _ := grow(t, kustomization("a", "wait: true")+kustomization("b", "wait: true"))
	notes := tree.Notes(func(app name.App) bool { return app == "b" })
	if len(notes) != 1 || notes[0].Object != "Kustomization flux-system/b" {
		t.Errorf("notes %+v", notes)
	}
}

func TestAppThatMakesItself(t *testing.T) {
	application := func(name string) *manifest.Object {
		objects, problems := manifest.Parse("a.yaml", []byte("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: "+name+", namespace: argocd}\n"+
			"spec: {project: default, source: {repoURL: https://github.com/example/fleet, path: apps, targetRevision: HEAD}, destination: {server: https://kubernetes.default.svc, namespace: x}}\n"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return objects[0]
	}
	tree, _, _ := grow(t, kustomization("shop", "path: a"))
	parent := appfile.Default()
	parent.Name = "fleet"
	tree.Add(parent, nil, []*manifest.Object{application("self")})
	made, problems := tree.Next()
	if len(made) != 1 || len(problems) > 0 {
		t.Fatalf("apps %v, problems %v", made, problems)
	}
	tree.Add(made[0], nil, []*manifest.Object{application("self")})
	if again, problems := tree.Next(); len(again)+len(problems) > 0 {
		t.Errorf("it makes itself: %v, problems %v", again, problems)
	}
	app, depth := made[0], 0
	for ; depth < 2*meaning.MaxDepth; depth++ {
		tree.Add(app, nil, []*manifest.Object{application(strings.Repeat("x", depth+1))})
		next, problems := tree.Next()
		if len(problems) > 0 {
			if !strings.Contains(problems.Error(), "apps deep") {
				t.Errorf("problems %v", problems)
			}
			break
		}
		app = next[0]
	}
	if depth > meaning.MaxDepth {
		t.Errorf("%d apps deep", depth)
	}
}

func TestUses(t *testing.T) {
	for _, test := range []struct {
		name  string
		files fstest.MapFS
		tool  string
		want  bool
	}{
		{"a Kustomization", fstest.MapFS{"a/b.yaml": {Data: []byte(kustomization("a", "path: b"))}}, "", true},
		{"beside a pushboat.yaml", fstest.MapFS{"a/b.yaml": {Data: []byte(kustomization("a", "path: b"))}, "pushboat.yaml": {}}, "", false},
		{"that a pushboat.yaml asks for", fstest.MapFS{"pushboat.yaml": {}}, "flux", true},
		{"a template of an Application", fstest.MapFS{"c/Chart.yaml": {}, "c/templates/deep/a.yaml": {Data: []byte("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: {{ .a }}}\n")}}, "", true},
		{"a template of no chart", fstest.MapFS{"c/templates/a.yaml": {Data: []byte("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: {{ .a }}}\n")}}, "", false},
		{"a chart", fstest.MapFS{"c/Chart.yaml": {Data: []byte("dependencies: [{name: argo-cd}]\ndescription: see argocd-apps\n")}}, "", false},
		{"a template of a Rollout", fstest.MapFS{"c/Chart.yaml": {}, "c/templates/a.yaml": {Data: []byte("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: {{ .a }}}\n")}}, "", false},
		{"a Rollout", fstest.MapFS{"a.yaml": {Data: []byte("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\n")}}, "", false},
		{"a kustomization of kustomize", fstest.MapFS{"kustomization.yaml": {Data: []byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n")}}, "", false},
		{"a hidden folder", fstest.MapFS{".x/b.yaml": {Data: []byte(kustomization("a", "path: b"))}}, "", false},
		{"a text that names one", fstest.MapFS{"a.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: kustomize.toolkit.fluxcd.io/v1}\n")}}, "", false},
	} {
		var finder Finder
		if got := finder.Uses(test.files, appfile.Import{Tool: test.tool}); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
