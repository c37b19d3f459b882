package render

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
)

// TestAppWithSources renders an app with a kustomization and manifests beside its folder.
func TestAppWithSources(t *testing.T) {
	fsys := revision("a/a.yaml", object("a"), "b/b.yaml", object("b"), "b/c/c.yaml", object("c"),
		"k/kustomization.yaml", "resources: [d.yaml]\ncommonAnnotations: {b: old, a: kept}\n", "k/d.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: d\n")
	app := appfile.App{Name: "shop", Path: "a", Render: appfile.RenderAuto}
	app.Sources = []appfile.Addition{
		{Path: "b", Render: appfile.RenderAuto, Files: appfile.Files{Flat: true}},
		{Path: "k", Render: appfile.RenderAuto, Kustomize: appfile.Kustomize{
			Labels: []byte(`[{"pairs": {"tier": "one"}}]`), CommonAnnotations: map[string]string{"b": "new"},
		}},
	}
	result, problems := renderApp(fsys, app)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, o := range result.Objects {
		got = append(got, o.GetName()+" "+o.Source.File+" "+o.GetLabels()["tier"]+o.GetAnnotations()["a"]+o.GetAnnotations()["b"])
	}
	if want := []string{"a a/a.yaml ", "b b/b.yaml ", "d k/d.yaml onekeptnew"}; !slices.Equal(got, want) {
		t.Errorf("objects %q, want %q", got, want)
	}
	if result.Read != nil {
		t.Error("the next rendering would build upon the app's own folder alone")
	}
	app.Sources[1].Render = appfile.RenderPlain
	if _, problems := renderApp(fsys, app); len(problems) == 0 {
		t.Error("a source with settings for another renderer has no problem")
	}
	app.Sources, app.Path, app.Files.Flat = nil, "k", true
	if _, problems := renderApp(fsys, app); len(problems) != 1 || problems[0].Hint != "take files out, or set render: plain" {
		t.Errorf("files of a kustomization: %v", problems)
	}
}
