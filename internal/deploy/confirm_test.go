package deploy

import (
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestConfirmable(t *testing.T) {
	for name, test := range map[string]struct {
		confirmed int
		hint      string
	}{
		"no number is given":      {-1, ""},
		"another number is given": {4, "confirm-prune=4 does not match"},
		"none are confirmed":      {0, "confirm-prune=0 does not match"},
	} {
		var got manifest.Problem
		confirmable(&got, test.confirmed, 5)
		want := manifest.Problem{Hint: test.hint, Remedy: manifest.Remedy{Kind: manifest.RemedyConfirmPrune, Deletions: 5}}
		if got != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
