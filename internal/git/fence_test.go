package git

import (
	"errors"
	"os"
	"testing"
)

var errStale = errors.New("another server has the directory")

// fenced returns a repository with a branch and a record, and a function that gives the
// directory to another server.
func fenced(t *testing.T) (r *Repository, record Hash, take func()) {
	t.Helper()
	stale := false
	r = newRepository(t, StoreOptions{Fence: func() error {
		if stale {
			return errStale
		}
		return nil
	}})
	record = mustAppend(t, r, "", NewCommit{Message: "first"})
	return r, record, func() { stale = true }
}

// TestFencedStoreChangesNothing: a server that has lost its directory changes nothing in
// it.
func TestFencedStoreChangesNothing(t *testing.T) {
	r, record, take := fenced(t)
	take()
	for name, change := range map[string]func() error{
		"a record": func() error {
			_, err := r.Append(t.Context(), recordRef, record, NewCommit{Message: "second"})
			return err
		},
		"a branch":           func() error { return r.MoveBranch(t.Context(), "refs/heads/main", record, record, Note{}) },
		"the main branch":    func() error { return r.SetMainBranch("trunk") },
		"what was asked for": func() error { return r.SetAsked("refs/heads/main", "force") },
		"packs":              func() error { return r.Maintain(t.Context()) },
		"a new repository":   func() error { _, err := r.store.Create(t.Context(), "blog"); return err },
		"the end of one":     func() error { return r.store.Delete(t.Context(), "shop") },
	} {
		if err := change(); !errors.Is(err, errStale) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if at, err := r.Head(t.Context(), recordRef); err != nil || at != record {
		t.Errorf("the record is at %s, %v", at, err)
	}
	if repos, err := r.store.List(); err != nil || len(repos) != 1 {
		t.Errorf("there are %v, %v", repos, err)
	}
}

// TestFencedMoveLeavesTheNextOnesLock: a server freezes between locking and moving a ref.
// Meanwhile its successor sweeps that lock away, and may make a new one.
func TestFencedMoveLeavesTheNextOnesLock(t *testing.T) {
	for name, anew := range map[string]bool{"its own lock": false, "the next one's": true} {
		r, record, take := fenced(t)
		var failed error
		move := refMove{ref: recordRef, old: record, new: record, err: &failed}
		if err := r.lockRef(t.Context(), &move); err != nil {
			t.Fatal(err)
		}
		take()
		if anew {
			other := move.lock + "-anew"
			if err := errors.Join(os.WriteFile(other, nil, 0o600), os.Rename(other, move.lock)); err != nil {
				t.Fatal(err)
			}
		}
		if err := move.finish(r.refFile(recordRef), r.opts.Fence); !errors.Is(err, errStale) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(move.lock); (err == nil) != anew {
			t.Errorf("%s: %v", name, err)
		}
	}
}
