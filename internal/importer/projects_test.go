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

func project(called string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: " + called + "}\nspec:\n" +
		"  description: of " + called + "\n  sourceRepos: ['*']\n  destinations: [{name: '*', namespace: '*'}]\n---\n"
}

// argoTree is the tree of files of Argo CD, whose apps render to texts.
func argoTree(t *testing.T, files map[string]string, settings appfile.Import, renders map[name.App]string) (*Tree, manifest.Problems) {
	t.Helper()
	fsys := fstest.MapFS{"apps/a.yaml": {}}
	for file, text := range files {
		fsys[file] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, problems := new(Finder).begin(meaning.World{Repo: "fleet", Branch: "main", Tree: fsys, Clusters: appfile.Clusters{"default": nil}}, settings)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	level, problems := tree.Roots()
	for len(level) > 0 && len(problems) == 0 {
		for _, app := range level {
			made, wrong := manifest.Parse("made.yaml", []byte(renders[app.Name]))
			applied, meant := Split(made)
			problems = append(append(problems, wrong...), tree.Add(app, applied, meant)...)
		}
		var wrong manifest.Problems
		level, wrong = tree.Next()
		problems = append(problems, wrong...)
	}
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	_, problems = tree.Finish(true)
	return tree, problems
}

// TestNotesOnProjects: what is said of an AppProject is said with the apps that it bounds, and where
// it bounds none, always.
func TestNotesOnProjects(t *testing.T) {
	tree, problems := argoTree(t, map[string]string{
		"projects.yaml": project("shop") + project("idle"),
		"apps.yaml":     application("web") + "  project: shop\n---\n" + application("blog") + "  project: default\n",
	}, appfile.Import{}, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for about, want := range map[name.App]string{"": "idle", "blog": "idle", "web": "shop idle"} {
		var said []string
		for _, note := range tree.Notes(func(app name.App) bool { return app == about }) {
			if strings.Contains(note.Text, "spec.description has no effect") {
				said = append(said, strings.TrimPrefix(note.Object, "AppProject "))
			}
		}
		if got := strings.Join(said, " "); got != want {
			t.Errorf("a change of %q: notes on %s, want %s", about, got, want)
		}
	}
	if text, _ := tree.Explain(); !strings.Contains(string(text), "AppProject shop: spec.description has no effect") {
		t.Errorf("not explained: %s", text)
	}
}

// TestProjectsThatAreNotThere: an Application of an AppProject that is not there is refused, as by Argo
// CD, if the repository has others; else the AppProject may be said elsewhere.
func TestProjectsThatAreNotThere(t *testing.T) {
	web := func(project string) string { return application("web") + "  project: " + project + "\n---\n" }
	set := "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\nspec:\n  generators: [{list: {elements: [{a: x}, {a: w}]}}]\n  template:\n    metadata: {name: '{{a}}'}\n    spec:\n" +
		"      project: shpo\n      destination: {name: in-cluster, namespace: shop}\n      source: {repoURL: 'https://example.org/team/fleet', path: apps}\n"
	for _, test := range []struct {
		name     string
		files    map[string]string
		settings appfile.Import
		renders  map[name.App]string
		want     string // the problem with its hint, or the note on the project
	}{
		{"default", map[string]string{"p.yaml": project("shop"), "a.yaml": web("default")}, appfile.Import{}, nil, ""},
		{"one that is there", map[string]string{"p.yaml": project("shop"), "a.yaml": web("shop")}, appfile.Import{}, nil, ""},
		{
			"a misspelt one",
			map[string]string{"p.yaml": project("shop") + project("idle"), "a.yaml": web("shpo")},
			appfile.Import{},
			nil,
			"a.yaml:7: Application web: spec.project: no AppProject shpo is in this revision; Argo CD refuses such an Application as well; did you mean shop? Else commit it",
		},
		{
			"default, misspelt",
			map[string]string{"p.yaml": project("shop"), "a.yaml": web("defualt")},
			appfile.Import{},
			nil,
			"a.yaml:7: Application web: spec.project: no AppProject defualt is in this revision; Argo CD refuses such an Application as well; did you mean default? Else commit it",
		},
		{
			"one like no other",
			map[string]string{"p.yaml": project("shop") + project("idle"), "a.yaml": web("warehouse")},
			appfile.Import{},
			nil,
			"note a.yaml:7: the AppProject warehouse is not in this repository, and bounds nothing",
		},
		{
			"two apps of one line",
			map[string]string{"p.yaml": project("shop"), "a.yaml": set},
			appfile.Import{},
			nil,
			"a.yaml:9: Application argocd/x: spec.project: no AppProject shpo is in this revision; Argo CD refuses such an Application as well; did you mean shop? Else commit it",
		},
		{"no AppProject at all", map[string]string{"a.yaml": web("shop")}, appfile.Import{}, nil, "note a.yaml:7: the AppProject shop is not in this repository, and bounds nothing"},
		{"no AppProject at all, default misspelt", map[string]string{"a.yaml": web("defualt")}, appfile.Import{}, nil, "note a.yaml:7: the AppProject defualt is not in this repository, and bounds nothing; did you mean default?"},
		{
			"one in a file that nothing has",
			map[string]string{"p.yaml": project("shop"), "a.yaml": project("idle") + web("shop")},
			appfile.Import{Tool: appfile.ToolArgo, Root: "a.yaml"},
			nil,
			"note a.yaml:15: the AppProject shop at p.yaml:1 is made by no app, and bounds nothing",
		},
		{
			"one that comes later",
			map[string]string{"a.yaml": web("shop")},
			appfile.Import{},
			map[name.App]string{"web": project("shop")},
			"note a.yaml:7: the AppProject shop is known only after the app: the kinds of its objects and its syncWindows are not held to it",
		},
		{
			"one that comes later, and does not allow it",
			map[string]string{"a.yaml": web("shop")},
			appfile.Import{},
			map[name.App]string{"web": strings.Replace(project("shop"), "namespace: '*'", "namespace: x", 1)},
			`a.yaml:5: Application web: the AppProject shop does not allow the namespace "shop" on https://kubernetes.default.svc; add it to spec.destinations of the AppProject`,
		},
	} {
		tree, problems := argoTree(t, test.files, test.settings, test.renders)
		var said []string
		for _, p := range problems {
			said = append(said, p.Error()+"; "+p.Hint)
		}
		if len(problems) == 0 {
			for _, note := range tree.Notes(func(app name.App) bool { return app == "web" }) {
				if strings.Contains(note.Text, "the AppProject") {
					said = append(said, fmt.Sprintf("note %s: %s", note.Source, note.Text))
				}
			}
		}
		if got := strings.Join(said, "\n"); got != test.want {
			t.Errorf("%s:\n%s, want\n%s", test.name, got, test.want)
		}
		if _, again := tree.Finish(true); len(again) != len(problems) {
			t.Errorf("%s: finished again, problems %v", test.name, again)
		}
	}
}
