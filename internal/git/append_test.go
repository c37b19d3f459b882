package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/name"
)

// newStore opens a store in a fresh directory.
func newStore(t *testing.T, opts StoreOptions) *Store {
	t.Helper()
	s, err := OpenStore(t.TempDir(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newRepository(t *testing.T, opts StoreOptions) *Repository {
	t.Helper()
	r, err := newStore(t, opts).Create(context.Background(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const recordRef = "refs/pushboat/deploys/shop"

func mustAppend(t *testing.T, r *Repository, old Hash, c NewCommit) Hash {
	t.Helper()
	h, err := r.Append(t.Context(), recordRef, old, c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAppend(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	when := time.Unix(1_700_000_000, 0).UTC()
	message := "deploy shop\n\nbytes: \x01\xff \"quoted\"\ndone\n"
	files := map[string][]byte{
		"record.json":              []byte("{}\n"),
		"manifests/web \"1\".yaml": []byte("a: 1\ndata 5\n"),
		"manifests/ünï.bin":        {0, 1, 2, 0xff, '\n'},
		"empty":                    nil,
	}
	first := mustAppend(t, r, "", NewCommit{Message: message, Files: files, When: when, Author: Signature{Name: "Ana <x>\n", Email: "ana@example.org"}})
	second := mustAppend(t, r, first, NewCommit{Message: "second", Clear: true, Files: map[string][]byte{"record.json": []byte("2")}})

	log, err := r.log(t.Context(), recordRef, 10)
	if err != nil {
		t.Fatal(err)
	}
	if len(log) != 2 || log[0].Hash != second || log[1].Hash != first {
		t.Fatalf("log = %+v, want %s then %s", log, second, first)
	}
	if log[1].Message != message || !log[1].When.Equal(when) || log[1].Subject() != "deploy shop" {
		t.Errorf("commit = %+v", log[1])
	}
	if want := (Signature{Name: "Ana x", Email: "ana@example.org"}); log[1].Author != want {
		t.Errorf("author = %q, want %q", log[1].Author, want)
	}
	for path, want := range files {
		got, err := r.readFile(first, path)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s = %q, %v; want %q", path, got, err, want)
		}
	}
	if _, err := r.readFile(second, "empty"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the second commit still has the first one's file: %v", err)
	}
	if log, err := r.log(t.Context(), recordRef, 1); err != nil || len(log) != 1 {
		t.Errorf("log of 1 = %d commits, %v", len(log), err)
	}
}

func TestAppendRefusesWhenTheRefMoved(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	if _, err := r.Append(t.Context(), recordRef, Hash(strings.Repeat("a", 40)), NewCommit{}); !errors.Is(err, ErrRefMoved) {
		t.Errorf("append to a ref that does not exist: %v", err)
	}
	first := mustAppend(t, r, "", NewCommit{Message: "1"})
	second := mustAppend(t, r, first, NewCommit{Message: "2"})
	for _, old := range []Hash{"", zero, first} {
		if _, err := r.Append(t.Context(), recordRef, old, NewCommit{Message: "3"}); !errors.Is(err, ErrRefMoved) {
			t.Errorf("append at %q: %v, want ErrRefMoved", old, err)
		}
	}
	if at, err := r.Head(t.Context(), recordRef); err != nil || at != second {
		t.Errorf("ref is at %s, %v; want %s", at, err, second)
	}
}

// TestAppendConcurrently: many writers believe that the ref is at the same commit. Git
// accepts one of them, even if all have passed the check before fast-import.
func TestAppendConcurrently(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	first := mustAppend(t, r, "", NewCommit{Message: "first"})
	const writers = 8
	errs := make([]error, writers)
	var wait sync.WaitGroup
	for i := range writers {
		wait.Go(func() {
			_, errs[i] = r.Append(context.Background(), recordRef, first, NewCommit{Message: fmt.Sprint("writer ", i)})
		})
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrRefMoved) {
			t.Errorf("a writer got %v, want ErrRefMoved", err)
		}
	}
	log, err := r.log(t.Context(), recordRef, 10)
	if won != 1 || err != nil || len(log) != 2 {
		t.Errorf("%d writers won, log has %d commits (%v); want 1 and 2", won, len(log), err)
	}
}

func TestAppendRefusesBadInput(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	file := func(paths ...string) NewCommit {
		c := NewCommit{Files: map[string][]byte{}}
		for _, path := range paths {
			c.Files[path] = nil
		}
		return c
	}
	for name, test := range map[string]struct {
		ref string
		old Hash
		c   NewCommit
	}{
		"ref with newline":  {ref: "refs/x\nreset refs/heads/main", c: file("a")},
		"short ref":         {ref: "main", c: file("a")},
		"traversal in ref":  {ref: "refs/../config", c: file("a")},
		"old is an option":  {ref: recordRef, old: "--output=/x", c: file("a")},
		"absolute path":     {ref: recordRef, c: file("/etc/passwd")},
		"parent path":       {ref: recordRef, c: file("../x")},
		"git directory":     {ref: recordRef, c: file("a/.GIT/config")},
		"file below a file": {ref: recordRef, c: file("a", "a/b/c")},
	} {
		if _, err := r.Append(t.Context(), test.ref, test.old, test.c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if refs, err := r.Refs(t.Context(), ""); err != nil || len(refs) != 0 {
		t.Errorf("refs = %v, %v; want none", refs, err)
	}
}

// TestAppendAllKeepsErrorsApart: an invalid commit in a batch, or one whose ref has moved,
// does not affect the others.
func TestAppendAllKeepsErrorsApart(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	first := mustAppend(t, r, "", NewCommit{Message: "1", Files: map[string][]byte{"a": []byte("1"), "b/c": []byte("1")}})
	ref := func(app name.App) string { return "refs/pushboat/deploys/" + string(app) }
	hashes, errs := r.AppendAll(t.Context(), []Appending{
		{Ref: recordRef, Old: first, Commit: NewCommit{Message: "2", Remove: []string{"b/c", "never"}, Files: map[string][]byte{"d": nil}}},
		{Ref: ref("moved"), Old: first, Commit: NewCommit{Message: "2"}},
		{Ref: ref("bad"), Commit: NewCommit{Files: map[string][]byte{"../x": nil}}},
		{Ref: ref("lost"), Old: "", Commit: NewCommit{Trees: map[string]Hash{"x": Hash(strings.Repeat("a", 40))}}}, // Git refuses this hash
		{Ref: ref("blog"), Commit: NewCommit{Message: "first of blog", Files: map[string][]byte{"e": nil}}},
	})
	if errs[0] != nil || errs[4] != nil {
		t.Fatalf("the valid commits: %v, %v", errs[0], errs[4])
	}
	if !errors.Is(errs[1], ErrRefMoved) || errs[2] == nil || errs[3] == nil {
		t.Errorf("the invalid commits: %v, %v, %v", errs[1], errs[2], errs[3])
	}
	wantTree(t, r, hashes[0], "a", "d")
	wantTree(t, r, hashes[4], "e")
	refs, err := r.Refs(t.Context(), "")
	if err != nil || len(refs) != 2 || refs[0].Hash != hashes[4] || refs[1].Hash != hashes[0] {
		t.Errorf("refs are %v, %v", refs, err)
	}
	if log, err := r.log(t.Context(), ref("blog"), 5); err != nil || len(log) != 1 {
		t.Errorf("the first commit of a ref has parents: %v, %v", log, err)
	}
}

// wantTree checks that the top of a commit's tree has exactly these files.
func wantTree(t *testing.T, r *Repository, hash Hash, names ...string) {
	t.Helper()
	tree, err := r.Tree(hash)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := fs.ReadDir(tree, ".")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		found = append(found, entry.Name())
	}
	if strings.Join(found, " ") != strings.Join(names, " ") {
		t.Errorf("%s has %v, want %v", hash.Short(), found, names)
	}
}

func TestAppendPutsTreesInPlace(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	first := mustAppend(t, r, "", NewCommit{Files: map[string][]byte{"app/x": []byte("1"), "other": []byte("1")}})
	second := mustAppend(t, r, first, NewCommit{Files: map[string][]byte{"app/y": []byte("2"), "other": []byte("2")}})
	old, err := r.TreeHash(first, "app")
	if err != nil {
		t.Fatal(err)
	}
	third := mustAppend(t, r, second, NewCommit{Trees: map[string]Hash{"app": old}})
	wantTree(t, r, third, "app", "other")
	if now, err := r.TreeHash(third, "app"); err != nil || now != old {
		t.Errorf("app is %s, %v; want %s", now, err, old)
	}
	if other, err := r.readFile(third, "other"); err != nil || string(other) != "2" {
		t.Errorf("other is %q, %v", other, err)
	}
	whole, err := r.TreeHash(first, ".")
	if err != nil {
		t.Fatal(err)
	}
	fourth := mustAppend(t, r, third, NewCommit{Trees: map[string]Hash{".": whole}})
	if now, err := r.TreeHash(fourth, "."); err != nil || now != whole {
		t.Errorf("the tree is %s, %v; want %s", now, err, whole)
	}
	if _, err := r.TreeHash(first, "nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
	if _, err := r.TreeHash(first, "other"); err == nil {
		t.Error("a file counts as a folder")
	}
}
