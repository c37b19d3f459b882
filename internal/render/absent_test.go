package render

import (
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// TestAbsent: a folder that is not there is named, with the line that names it.
func TestAbsent(t *testing.T) {
	fsys := fstest.MapFS{"apps/production/a.yaml": {}, "apps/staging": {}}
	for folder, hint := range map[string]string{
		"apps/production": "", ".": "", "apps/prodution": "did you mean apps/production?",
		"apps/stagin": "write the path from the repository's root", "other/production": "write the path from the repository's root",
	} {
		app := appfile.App{Path: folder, Source: manifest.Source{File: "apps.yaml", Line: 7}}
		switch problem := absent(fsys, app); {
		case problem == nil && hint != "":
			t.Errorf("%s: no problem", folder)
		case problem != nil && (problem.Hint != hint || problem.Source != app.Source || problem.Message != "there is no folder "+folder+" in this revision"):
			t.Errorf("%s: %+v, want the hint %q", folder, *problem, hint)
		}
	}
}
