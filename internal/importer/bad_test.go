package importer

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// growAll grows a tree whose apps render to the objects of texts, by the apps' paths. It counts the
// apps that are rendered, and ends when more are than the limit on apps allows.
func growAll(t *testing.T, files fstest.MapFS, renders map[string]string) (rendered int, apps []name.App, problems manifest.Problems) {
	t.Helper()
	tree, problems := new(Finder).begin(meaning.World{Repo: "fleet", Branch: "main", Tree: files, Clusters: appfile.Clusters{"default": nil}}, appfile.Import{})
	level, wrong := tree.Roots()
	problems = append(problems, wrong...)
	parsed := map[string][]*manifest.Object{}
	for path, text := range renders {
		if parsed[path], wrong = manifest.Parse(path+"/a.yaml", []byte(text)); len(wrong) > 0 {
			t.Fatal(wrong)
		}
	}
	for len(level) > 0 {
		for _, app := range level {
			if rendered++; rendered > meaning.MaxApps+1 {
				t.Fatalf("%d apps are rendered", rendered)
			}
			apps = append(apps, app.Name)
			applied, meant := Split(parsed[app.Path])
			problems = append(problems, tree.Add(app, applied, meant)...)
		}
		level, wrong = tree.Next()
		problems = append(problems, wrong...)
	}
	_, wrong = tree.Finish(true)
	return rendered, apps, append(problems, wrong...)
}

// argoApp is an Application of a folder.
func argoApp(called, folder string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: " + called + ", namespace: argocd}\nspec:\n  project: default\n" +
		"  destination: {name: in-cluster, namespace: shop}\n  source: {repoURL: 'https://example.org/team/fleet', path: " + folder + "}\n---\n"
}

// fluxApp is a Kustomization of a folder.
func fluxApp(called, folder string) string { return kustomization(called, "path: ./"+folder) }

// many are n objects.
func many(n int, of func(called, folder string) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(of(fmt.Sprintf("app-%d", i), "leaf"))
	}
	return b.String()
}

// TestTreesThatDoNotEnd: what makes itself, or more than is read, is a clear problem, or nothing, after
// each app was rendered once.
func TestTreesThatDoNotEnd(t *testing.T) {
	bootstrap := "clusters/x/flux-system/gotk-sync.yaml"
	for _, test := range []struct {
		name     string
		root     string // text of the root, an Application or what flux bootstrap wrote
		renders  map[string]string
		rendered int
		want     string // in a problem; "" for none
	}{
		{"an Application of itself", argoApp("a", "a"), map[string]string{"a": argoApp("a", "a")}, 1, ""},
		{"Applications of each other", argoApp("a", "a"), map[string]string{"a": argoApp("b", "b"), "b": argoApp("a", "a")}, 2, ""},
		{"Applications of each other, changed on the way", argoApp("a", "a"), map[string]string{"a": argoApp("b", "b"), "b": argoApp("a", "c")}, 2, "Application argocd/a is there twice; the other is at root.yaml:1"},
		{"a Kustomization of itself", "", map[string]string{"clusters/x": fluxApp("flux-system", "clusters/x")}, 1, ""},
		{"Kustomizations of each other", "", map[string]string{"clusters/x": fluxApp("a", "a"), "a": fluxApp("b", "b"), "b": fluxApp("a", "a")}, 3, "Kustomization flux-system/a is there twice; the other is at clusters/x/a.yaml:1"},
		{"two parents of one", "", map[string]string{"clusters/x": fluxApp("a", "a") + fluxApp("b", "b"), "a": fluxApp("c", "c"), "b": fluxApp("c", "c")}, 4, "Kustomization flux-system/c is there twice"},
		{"two Applications of one name", argoApp("a", "a"), map[string]string{"a": argoApp("b", "b") + strings.Replace(argoApp("b", "c"), "namespace: argocd", "namespace: other", 1)}, 2, "the name b is taken by Application argocd/b"},
		{"ten thousand Applications", argoApp("a", "a"), map[string]string{"a": many(10_000, argoApp)}, meaning.MaxApps, "there are more than 2000 apps"},
		{"ten thousand Kustomizations", "", map[string]string{"clusters/x": many(10_000, fluxApp)}, meaning.MaxApps, "there are more than 2000 apps"},
	} {
		files := fstest.MapFS{bootstrap: {Data: []byte(fluxApp("flux-system", "clusters/x"))}}
		if test.root != "" {
			files = fstest.MapFS{"root.yaml": {Data: []byte(test.root)}}
		}
		for _, folder := range []string{"a", "b", "c", "leaf"} {
			files[folder+"/a.yaml"] = &fstest.MapFile{}
		}
		rendered, apps, problems := growAll(t, files, test.renders)
		if rendered != test.rendered {
			t.Errorf("%s: %d apps are rendered, want %d: %.200q", test.name, rendered, test.rendered, apps)
		}
		if got := problems.Error(); test.want == "" && got != "" || !strings.Contains(got, test.want) || len(problems) > 1 {
			t.Errorf("%s: %d problems, %.500s; want %s", test.name, len(problems), got, test.want)
		}
	}
}

// TestTreesGrowLinearly: ten times the apps take about ten times the work, counted in allocations:
// to find the objects, to read them, to order the apps, and to tell of them.
func TestTreesGrowLinearly(t *testing.T) {
	work := func(n int) float64 {
		files := fstest.MapFS{"clusters/x/flux-system/gotk-sync.yaml": {Data: []byte(fluxApp("flux-system", "clusters/x"))}, "leaf/a.yaml": {}}
		var children []*manifest.Object
		for i := range n {
			file := fmt.Sprintf("clusters/x/app-%d.yaml", i)
			text := strings.Replace(fluxApp(fmt.Sprintf("app-%d", i), "leaf"), "prune: true", fmt.Sprintf("wait: true, dependsOn: [{name: app-%d}]", max(i-1, 0)), 1)
			if i == 0 {
				text = fluxApp("app-0", "leaf")
			}
			files[file] = &fstest.MapFile{Data: []byte(text)}
			objects, problems := manifest.Parse(file, []byte(text))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			children = append(children, objects...)
		}
		return testing.AllocsPerRun(1, func() {
			tree, problems := new(Finder).begin(meaning.World{Repo: "fleet", Branch: "main", Tree: files, Clusters: appfile.Clusters{"default": nil}}, appfile.Import{})
			roots, wrong := tree.Roots()
			if problems = append(problems, wrong...); len(problems) > 0 {
				t.Fatal(problems)
			}
			tree.Add(roots[0], nil, children)
			apps, problems := tree.Next()
			after, wrong := tree.Finish(true)
			notes := tree.Notes(func(name.App) bool { return true })
			if len(apps) != n || len(after) != n-1 || len(tree.Lineages()) != n+1 || len(notes) < n-1 || len(problems)+len(wrong) > 0 {
				t.Fatalf("%d apps, %d after others, %d notes; problems %v", len(apps), len(after), len(notes), append(problems, wrong...))
			}
		})
	}
	few, many := work(150), work(1500)
	if many > 12*few {
		t.Errorf("ten times the apps take %.0f allocations, and these %.0f", many, few)
	}
}
