package apply

import (
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestWhichHooksAreRememberedAsSound(t *testing.T) {
	migrate, seed := manifest.ID{Kind: "Job", Name: "migrate"}, manifest.ID{Kind: "Job", Name: "seed"}
	for name, test := range map[string]struct {
		noted  []string // the digests that are noted of migrate
		id     manifest.ID
		digest string
		want   bool
	}{
		"never tried out":             {nil, migrate, "d", false},
		"never tried out, no digest":  {nil, migrate, "", false},
		"as it was tried out":         {[]string{"d"}, migrate, "d", true},
		"written otherwise since":     {[]string{"d"}, migrate, "e", false},
		"tried out as it is now":      {[]string{"d", "e"}, migrate, "e", true},
		"written as once before":      {[]string{"d", "e"}, migrate, "d", false},
		"another of the same content": {[]string{"d"}, seed, "d", false},
	} {
		var m HookMemory
		for _, digest := range test.noted {
			m.NoteSound(migrate, digest)
		}
		if got := m.Sound(test.id, test.digest); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
		if got := m.Sound(test.id, test.digest); got != test.want {
			t.Errorf("%s: %v the second time", name, got)
		}
	}
}

func TestNewestDeployWhoseHooksAreOver(t *testing.T) {
	for name, test := range map[string]struct {
		ended []int
		want  int
	}{
		"none":              {nil, 0},
		"one":               {[]int{3}, 3},
		"one after another": {[]int{3, 4}, 4},
		"an older one last": {[]int{4, 3}, 4},
	} {
		var m HookMemory
		for _, number := range test.ended {
			m.noteEnd(number)
		}
		if got := m.lastEnded(); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
