package push

import (
	"slices"
	"testing"
	"testing/synctest"
)

// TestFresh: a repository that a push has made is removed when the last push to it ends. A
// repository that existed before stays.
func TestFresh(t *testing.T) {
	removals := 0
	remove := func() { removals++ }
	var f fresh
	for _, step := range []struct {
		do       func()
		removals int
	}{
		{func() { f.begin("old"); f.end("old", remove) }, 0},
		{func() { f.begin("new"); f.made("new") }, 0},
		{func() { f.begin("new"); f.begin("other"); f.end("new", remove) }, 0},
		{func() { f.end("new", remove) }, 1},
		{func() { f.begin("new"); f.end("new", remove) }, 1}, // the repository was removed, and is not new any more
		{func() { f.end("other", remove) }, 1},
	} {
		if step.do(); removals != step.removals {
			t.Fatalf("removed %d times, want %d", removals, step.removals)
		}
	}
	if len(f.repos) != 0 {
		t.Errorf("%d repositories are kept", len(f.repos))
	}
}

// TestFreshRemovesUnderNoLock: no lock is held during a removal. Pushes to other
// repositories go on meanwhile, and pushes to the same repository begin after the removal.
func TestFreshRemovesUnderNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fresh
		f.begin("shop")
		f.made("shop")
		var steps []string
		done := make(chan struct{})
		f.end("shop", func() {
			f.begin("blog")
			f.end("blog", nil)
			go func() {
				defer close(done)
				f.begin("shop")
				steps = append(steps, "begun")
				f.end("shop", func() { steps = append(steps, "removed again") })
			}()
			synctest.Wait()
			steps = append(steps, "removed")
		})
		<-done
		if want := []string{"removed", "begun"}; !slices.Equal(steps, want) || len(f.repos) != 0 {
			t.Errorf("%v, want %v; %d repositories are kept", steps, want, len(f.repos))
		}
	})
}
