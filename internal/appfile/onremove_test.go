package appfile

import (
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

func TestWhatAnAppKeeps(t *testing.T) {
	for _, test := range []struct {
		app  App
		want string
	}{
		{App{Prune: true}, ""},
		{App{}, "prune: false"},
		{App{OnRemove: OnRemoveDelete}, ""},
		{App{Prune: true, OnRemove: OnRemoveKeep}, "onRemove: keep"},
		{App{OnRemove: OnRemoveKeep, OnRemoveBy: "deletionPolicy: Orphan"}, "deletionPolicy: Orphan"},
	} {
		if got := test.app.Keeps(); got != test.want {
			t.Errorf("%+v: %q", test.app, got)
		}
	}
}

// TestWhatMakesAnAppMayKeepIt: the objects of an app stay where the object that means it would stay
// with the tool that it is of.
func TestWhatMakesAnAppMayKeepIt(t *testing.T) {
	child := func(change func(*App)) App {
		app := App{Name: "web", Prune: true, Made: Making{Parent: "root"}}
		if change != nil {
			change(&app)
		}
		return app
	}
	set := func(app *App) { app.Made.Set = "argocd/all" }
	annotated := func(app *App) { app.Made.OnPrune, app.Made.OnRemove = "it is annotated", "so it is" }
	root := App{Name: "root", Prune: true}
	for about, test := range map[string]struct {
		app      App
		has, had *App // the parent in the revision, and before
		sets     bool
		want     string
	}{
		"its parent prunes":                          {child(nil), &root, nil, false, ""},
		"its parent does not":                        {child(nil), &App{Name: "root"}, nil, false, "app root, which made it, has prune: false"},
		"its parent is suspended":                    {child(nil), &App{Name: "root", Prune: true, Suspended: "why"}, nil, false, "app root, which made it, is suspended"},
		"its parent prunes, and it is annotated":     {child(annotated), &root, nil, false, "it is annotated"},
		"its set makes it no more":                   {child(set), &App{Name: "root"}, nil, true, ""},
		"its set is gone, and its parent prunes":     {child(set), &root, nil, false, ""},
		"its set is gone, and its parent does not":   {child(set), &App{Name: "root"}, nil, false, "app root, which made it, has prune: false"},
		"its parent goes":                            {child(nil), nil, &root, false, ""},
		"its parent goes, and it is annotated":       {child(annotated), nil, &root, false, "so it is"},
		"its parent goes, and leaves what it has":    {child(nil), nil, &App{Name: "root", OnRemove: OnRemoveKeep}, false, "app root, which made it, stays: onRemove: keep"},
		"its parent is not known":                    {child(nil), nil, nil, false, ""},
		"a parent that is its own":                   {child(nil), nil, &App{Name: "root", Prune: true, Made: Making{Parent: "root"}}, false, ""},
		"it stays itself, whatever its parent does":  {child(func(app *App) { app.OnRemove = OnRemoveKeep }), &root, nil, false, "onRemove: keep"},
		"a root, which nothing makes":                {App{Name: "root", Prune: true}, nil, nil, false, ""},
		"its set stays, and it is to stay by itself": {child(func(app *App) { set(app); app.OnRemove = OnRemoveKeep }), &root, nil, true, "onRemove: keep"},
	} {
		of := func(app *App) func(name.App) *App {
			return func(asked name.App) *App {
				if asked != "root" {
					t.Errorf("%s: asked for %q", about, asked)
				}
				return app
			}
		}
		if got := test.app.KeptBy(Succession{Has: of(test.has), Had: of(test.had), Set: func(string) bool { return test.sets }}); got != test.want {
			t.Errorf("%s: %q, want %q", about, got, test.want)
		}
	}
}
