package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/name"
)

func TestStoreCreateListDelete(t *testing.T) {
	s := newStore(t, StoreOptions{})
	ctx := t.Context()
	for _, repo := range []name.Repo{"shop", "team/web", "team/a/b", "blog"} {
		r, err := s.Create(ctx, repo)
		if err != nil {
			t.Fatal(err)
		}
		if r.Name() != repo || r.Dir() != filepath.Join(s.dir, string(repo)+".git") {
			t.Errorf("created %q in %q", r.Name(), r.Dir())
		}
		if _, err := s.Create(ctx, repo); !errors.Is(err, ErrExist) {
			t.Errorf("create %q again: %v", repo, err)
		}
	}
	wantNames(t, s, "blog", "shop", "team/a/b", "team/web")
	if _, err := s.Open("other"); !errors.Is(err, ErrNotExist) {
		t.Errorf("open a missing repository: %v", err)
	}
	for _, repo := range []name.Repo{"team/a/b", "blog"} {
		if err := s.Delete(ctx, repo); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(ctx, repo); !errors.Is(err, ErrNotExist) {
			t.Errorf("delete %q again: %v", repo, err)
		}
	}
	wantNames(t, s, "shop", "team/web")
	if _, err := os.Stat(filepath.Join(s.dir, "team/a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the empty parent stayed: %v", err)
	}
	if _, err := s.Create(ctx, "team/a"); err != nil {
		t.Errorf("create where a parent was: %v", err)
	}
	for _, dir := range []string{newDir, trashDir} {
		if left, err := os.ReadDir(filepath.Join(s.dir, dir)); err != nil || len(left) != 0 {
			t.Errorf("%s holds %v, %v", dir, left, err)
		}
	}
}

func wantNames(t *testing.T, s *Store, want ...name.Repo) {
	t.Helper()
	got, err := s.List()
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("List() = %v, %v; want %v", got, err, want)
	}
}

func TestStoreCreateConcurrently(t *testing.T) {
	s := newStore(t, StoreOptions{})
	errs := make([]error, 6)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() { _, errs[i] = s.Create(context.Background(), "team/shop") })
	}
	wait.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else if !errors.Is(err, ErrExist) {
			t.Errorf("a creator got %v", err)
		}
	}
	if made != 1 {
		t.Errorf("%d creators succeeded, want 1", made)
	}
}

// TestStoreStaysInItsDirectory: a name that did not come from name.ParseRepo does not reach
// the disk, and a symlink inside the directory does not lead out of it.
func TestStoreStaysInItsDirectory(t *testing.T) {
	s := newStore(t, StoreOptions{})
	outside := t.TempDir()
	if err := os.MkdirAll(filepath.Join(outside, "evil.git"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "evil.git", "HEAD"), []byte("ref: refs/heads/main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(s.dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "evil.git"), filepath.Join(s.dir, "evil.git")); err != nil {
		t.Fatal(err)
	}
	for _, repo := range []name.Repo{"../" + name.Repo(filepath.Base(outside)) + "/evil", "/etc", "", "..", "link/evil", "evil", "link/new"} {
		if r, err := s.Open(repo); err == nil {
			t.Errorf("Open(%q) = %q", repo, r.Dir())
		}
		if err := s.Delete(t.Context(), repo); err == nil {
			t.Errorf("Delete(%q) succeeded", repo)
		}
		if r, err := s.Create(t.Context(), repo); err == nil {
			t.Errorf("Create(%q) = %q", repo, r.Dir())
		}
	}
	if _, err := os.Stat(filepath.Join(outside, "evil.git", "HEAD")); err != nil {
		t.Errorf("the file outside: %v", err)
	}
}

func TestStoreHasOneOwner(t *testing.T) {
	dir := t.TempDir()
	first, err := OpenStore(dir, StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir, StoreOptions{}); !errors.Is(err, ErrInUse) {
		t.Errorf("second owner: %v", err)
	}
	third, err := OpenStore(dir, StoreOptions{Seize: true})
	if err != nil {
		t.Fatalf("the lock was not seized: %v", err)
	}
	if err := first.Close(); err != nil { // leaves the third owner's lock alone
		t.Fatal(err)
	}
	if _, err := OpenStore(dir, StoreOptions{}); !errors.Is(err, ErrInUse) {
		t.Errorf("an owner beside the one that has seized the lock: %v", err)
	}
	if err := third.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := OpenStore(dir, StoreOptions{})
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestStoreSweeps(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(dir, StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Create(t.Context(), "team/shop")
	if err != nil {
		t.Fatal(err)
	}
	head := mustAppend(t, r, "", NewCommit{Message: "kept"})
	stale := []string{
		"objects/tmp_objdir-incoming-AbCdEf/pack/tmp_pack_x", "objects/pack/tmp_idx_y",
		"HEAD.lock", "packed-refs.lock", "refs/heads/main.lock", "refs/pushboat/deploys/x.lock",
		"../../.new/123/repo/HEAD", "../../.trash/9/repo/HEAD",
	}
	past := time.Now().Add(-time.Hour)
	for _, name := range stale {
		path := filepath.Join(r.Dir(), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for ; path != r.Dir() && path != s.dir && filepath.Base(path) != "objects"; path = filepath.Dir(path) {
			if err := os.Chtimes(path, past, past); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = OpenStore(dir, StoreOptions{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range stale {
		if _, err := os.Lstat(filepath.Join(r.Dir(), name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(r.Dir(), "objects", "tmp_objdir-*")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if at, err := r.Head(t.Context(), recordRef); err != nil || at != head {
		t.Errorf("the record's ref is at %s, %v; want %s", at, err, head)
	}
}

// TestStoreKeepsItsDirectories: directories for work in progress survive a start, since
// they could not be made again on a full disk. Missing ones are made on demand.
func TestStoreKeepsItsDirectories(t *testing.T) {
	dir := t.TempDir()
	open := func() *Store {
		t.Helper()
		s, err := OpenStore(dir, StoreOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	use := func(s *Store) {
		t.Helper()
		_, err := s.Create(t.Context(), "shop")
		if err := errors.Join(err, s.Delete(t.Context(), "shop"), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	use(open())
	for _, work := range []string{newDir, trashDir} {
		before, err := os.Stat(filepath.Join(dir, work))
		if err != nil {
			t.Fatal(err)
		}
		if err := open().Close(); err != nil {
			t.Fatal(err)
		}
		if after, err := os.Stat(filepath.Join(dir, work)); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s is another directory: %v", work, err)
		}
		if err := os.Remove(filepath.Join(dir, work)); err != nil {
			t.Fatal(err)
		}
	}
	use(open())
}

func TestCheckVersion(t *testing.T) {
	for in, ok := range map[string]bool{
		"git version 2.39.0\n": true, "git version 2.55.0": true, "git version 3.0.1": true,
		"git version 2.39.5 (Apple Git-154)": true, "git version 2.38.9": false, "git version 1.99": false, "bash: git": false, "": false,
	} {
		if err := checkVersion(in); (err == nil) != ok {
			t.Errorf("checkVersion(%q) = %v", in, err)
		}
	}
}

func TestOpenStoreWantsGit(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenStore(dir, StoreOptions{Git: "/nonexistent/git"}); err == nil || !strings.Contains(err.Error(), "install git 2.39") {
		t.Errorf("without git: %v", err)
	}
	old := filepath.Join(dir, "git")
	if err := os.WriteFile(old, []byte("#!/bin/sh\necho git version 2.30.2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir, StoreOptions{Git: old}); err == nil || !strings.Contains(err.Error(), "git 2.30 is too old") {
		t.Errorf("with an old git: %v", err)
	}
}
