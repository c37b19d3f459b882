package server

import (
	"errors"
	"testing"

	"github.com/pushboat/pushboat/internal/datadir"
)

func TestWhichLocksAreSeized(t *testing.T) {
	for name, test := range map[string]struct {
		lease, found string
		want         bool
	}{
		"of one that led by the same lease":    {"a/b", "a/b", true},
		"of one that led by another":           {"a/b", "a/c", false},
		"of one without a lease":               {"a/b", "", false},
		"without a lease, of one with":         {"", "a/b", false},
		"both without: as ever, by lock alone": {"", "", false},
	} {
		if got := seizes(test.lease, datadir.Epoch{Number: 1, Lease: test.found}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNotReadyBeforeItServes(t *testing.T) {
	for phase, want := range map[phase]error{standing: errStandby, starting: errStarting, stopping: errStopping} {
		s := &server{}
		s.phase.Store(int32(phase))
		if got := s.unready(); !errors.Is(got, want) {
			t.Errorf("phase %d: %v, want %v", phase, got, want)
		}
	}
}
