package deploy

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/importer"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// TestAppsThatAProblemHidesAreNotGone: where objects of another tool mean the apps, one that a problem
// has kept from being read is not told to leave. Deletions to confirm are asked for when all is read.
func TestAppsThatAProblemHidesAreNotGone(t *testing.T) {
	removed := []name.App{"web"}
	grown, problem := &importer.Tree{}, manifest.Problems{{Message: "unknown field spec.pth"}}
	for _, test := range []struct {
		why  string
		p    *Proposal
		want []name.App
	}{
		{"nothing is wrong", &Proposal{imports: grown, removed: removed}, removed},
		{"an object is not read", &Proposal{imports: grown, removed: removed, Problems: problem}, nil},
		{"deletions are to be confirmed", &Proposal{imports: grown, removed: removed, Problems: problem, guarded: true}, removed},
		{"pushboat.yaml names the apps", &Proposal{removed: removed, Problems: problem}, removed},
	} {
		if got := test.p.gone(); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.why, got, test.want)
		}
	}
}
