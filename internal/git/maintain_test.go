package git

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

func TestMaintain(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	packs := func() int {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(r.Dir(), "objects/pack/*.pack"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	var at Hash
	for i := range maxPacks + 1 {
		if err := r.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if packs() != i {
			t.Fatalf("%d packs after %d records: repacked too early", packs(), i)
		}
		at = mustAppend(t, r, at, NewCommit{Message: fmt.Sprint(i), Files: map[string][]byte{"n": fmt.Append(nil, i)}})
	}
	orphan := Hash(gitIn(t, r, "", "commit-tree", "-m", "no ref names it", string(emptyTree)))
	tree, err := r.Tree(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if packs() > 2 {
		t.Errorf("%d packs are left", packs())
	}
	if err := readAll(tree); err != nil {
		t.Errorf("a reader from before: %v", err)
	}
	if log, err := r.log(t.Context(), recordRef, 100); err != nil || len(log) != maxPacks+1 {
		t.Errorf("log has %d commits, %v", len(log), err)
	}
	if _, err := r.Commit(orphan); err != nil {
		t.Errorf("an unreachable object was dropped: %v", err)
	}
}

// TestMaintainTakesTurns: repacking waits for the turn of another repository only until its
// context ends.
func TestMaintainTakesTurns(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	r.store.maintenance <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Maintain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("another one's turn: %v", err)
	}
	<-r.store.maintenance
	for range 2 {
		if err := r.Maintain(t.Context()); err != nil {
			t.Errorf("its own turn: %v", err)
		}
	}
}
