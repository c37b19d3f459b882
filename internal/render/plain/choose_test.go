package plain

import (
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
)

// TestRenderChosenFiles renders some of the manifests of a folder.
func TestRenderChosenFiles(t *testing.T) {
	fsys := tree("x/a.yaml: a\nx/a-test.yaml: t\nx/y/b.yaml: b\nx/y/kustomization.yaml: =resources: []\n")
	for _, test := range []struct {
		name  string
		files appfile.Files
		want  string
	}{
		{"flat", appfile.Files{Flat: true}, "x/a-test.yaml:1=t x/a.yaml:1=a"},
		{"included", appfile.Files{Include: []string{"y/b*", "a.yaml"}}, "x/a.yaml:1=a x/y/b.yaml:1=b"},
		{"excluded", appfile.Files{Exclude: []string{"{*-test,y/k*}.yaml"}}, "x/a.yaml:1=a x/y/b.yaml:1=b"},
		{"flat and both", appfile.Files{Flat: true, Include: []string{"*.yaml"}, Exclude: []string{"a.*"}}, "x/a-test.yaml:1=t"},
	} {
		before, problems := Render(fsys, Folder{Path: "x", Files: test.files})
		if got := names(before.Objects); got != test.want || len(problems) > 0 {
			t.Errorf("%s: objects %s, want %s; problems %v", test.name, got, test.want, problems)
		}
		if before.fits(Folder{Path: "x"}) || !before.fits(Folder{Path: "x", Files: test.files}) {
			t.Errorf("%s: another choice would be built upon this one", test.name)
		}
	}
}
