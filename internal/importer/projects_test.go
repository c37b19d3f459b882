package importer

import (
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

// argoTree is the tree of files of Argo CD, whose apps render to nothing.
func argoTree(t *testing.T, files map[string]string, settings appfile.Import) (*Tree, manifest.Problems) {
	t.Helper()
	fsys := fstest.MapFS{"apps/a.yaml": {}}
	for file, text := range files {
		fsys[file] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, problems := new(Finder).begin(meaning.World{Repo: "fleet", Branch: "main", Tree: fsys, Clusters: appfile.Clusters{"default": nil}}, settings)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if _, problems = tree.Roots(); len(problems) > 0 {
		t.Fatal(problems)
	}
	_, problems = tree.Finish()
	return tree, problems
}

// TestNotesOnProjects: what is said of an AppProject is said with the apps that it bounds, and where
// it bounds none, always.
func TestNotesOnProjects(t *testing.T) {
	tree, problems := argoTree(t, map[string]string{
		"projects.yaml": project("shop") + project("idle"),
		"apps.yaml":     application("web") + "  project: shop\n---\n" + application("blog") + "  project: default\n",
	}, appfile.Import{})
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
