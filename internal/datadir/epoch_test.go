package datadir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEpochsGoUp(t *testing.T) {
	at := time.UnixMilli(1_000)
	for name, test := range map[string]struct{ last, want int64 }{
		"the first":                      {0, 1_000},
		"after a while":                  {400, 1_000},
		"within the same millisecond":    {1_000, 1_001},
		"by a clock that has gone back":  {5_000, 5_001},
		"restored from an older backup":  {999, 1_000},
		"of a clock that was far ahead":  {1 << 60, 1<<60 + 1},
		"many starts in one millisecond": {1_003, 1_004},
	} {
		if got := following(test.last, at); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestWhoHasADirectory(t *testing.T) {
	own := Epoch{Number: 7, Holder: "a"}
	for name, test := range map[string]struct {
		found Epoch
		cause string // "" if this server has the directory
	}{
		"this one":                    {own, ""},
		"one that came later":         {Epoch{Number: 8, Holder: "b"}, "epoch 8, of b, and this server's is 7"},
		"one that came at that time":  {Epoch{Number: 7, Holder: "b"}, "epoch 7, of b"},
		"an older directory in place": {Epoch{Number: 6, Holder: "b"}, "epoch 6, of b"},
		"nobody":                      {Epoch{}, "is gone"},
	} {
		stale := judge(own, test.found)
		if (stale == nil) != (test.cause == "") || stale != nil && !strings.Contains(stale.Error(), test.cause) {
			t.Errorf("%s: %v, want %q", name, stale, test.cause)
		}
	}
}

// raise begins an epoch of a directory.
func raise(t *testing.T, dir, holder string) Epoch {
	t.Helper()
	e, err := RaiseEpoch(dir, holder, "ns/lease", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestFenceFallsForGood(t *testing.T) {
	dir := t.TempDir()
	first := NewFence(dir, raise(t, dir, "a"), nil)
	if err := first.Check(); err != nil {
		t.Fatal(err)
	}
	second := NewFence(dir, raise(t, dir, "b"), nil)
	var stale *StaleError
	if err := first.Check(); !errors.As(err, &stale) || stale.Own.Holder != "a" {
		t.Errorf("the first after the second began: %v", err)
	}
	select {
	case <-first.Fell():
	default:
		t.Error("the channel does not report that the first server is stale")
	}
	if err := second.Check(); err != nil {
		t.Errorf("the second: %v", err)
	}
	if first.Epoch() >= second.Epoch() {
		t.Errorf("epochs %d and %d", first.Epoch(), second.Epoch())
	}
	second.Fall("its lease is lost")
	second.Fall("again")
	if err := second.Check(); err == nil || !strings.Contains(err.Error(), "its lease is lost") {
		t.Errorf("the second without its lease: %v", err)
	}
}

// TestUnreadableEpochStopsOneStep: while the epoch cannot be read, the server does nothing,
// but does not become stale.
func TestUnreadableEpochStopsOneStep(t *testing.T) {
	dir := t.TempDir()
	fence := NewFence(dir, raise(t, dir, "a"), nil)
	path := filepath.Join(dir, epochFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", "null", `{"epoch": -1}`, `{"epoch": "x"}`, strings.Repeat(" ", maxEpochFile) + string(whole)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := fence.Check(); err == nil || errors.As(err, new(*StaleError)) {
			t.Errorf("%.20q: %v", text, err)
		}
		if _, err := RaiseEpoch(dir, "b", "", time.Now()); err == nil {
			t.Errorf("%.20q: an epoch was raised although the former one is unknown", text)
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fence.Check(); err != nil {
		t.Errorf("whole again: %v", err)
	}
}

func TestFenceWatches(t *testing.T) {
	dir := t.TempDir()
	fence := NewFence(dir, raise(t, dir, "a"), nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		fence.Watch(t.Context())
	}()
	raise(t, dir, "b")
	<-done
	if fence.Err() == nil {
		t.Error("the watch ended although the fence stands")
	}
}

// TestFenceFallsAtTheEndOfTheTerm: a server whose term has ended stops, although the
// directory is still its own. It stays stale.
func TestFenceFallsAtTheEndOfTheTerm(t *testing.T) {
	dir, ended := t.TempDir(), ""
	fence := NewFence(dir, raise(t, dir, "a"), func() string { return ended })
	if err := fence.Check(); err != nil {
		t.Fatal(err)
	}
	ended = "the lease was not renewed"
	var stale *StaleError
	if err := fence.Check(); !errors.As(err, &stale) || stale.Cause != ended {
		t.Errorf("after the term: %v", err)
	}
	if fence.Standing().Err() == nil {
		t.Error("the context of running work has not ended")
	}
	ended = ""
	if err := fence.Check(); err == nil {
		t.Error("the fence stands again")
	}
}
