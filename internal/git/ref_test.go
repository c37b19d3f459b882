package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestReadRefs: refs are read alike from files and from packed-refs. If a ref is in both,
// the file counts.
func TestReadRefs(t *testing.T) {
	repo := newRepository(t, StoreOptions{})
	list := []Appending{{Ref: "refs/heads/main", Commit: NewCommit{Message: "first"}}}
	for i := range maxLooseRecords + 1 {
		list = append(list, Appending{Ref: fmt.Sprintf("%sdeploys/app-%d", RecordRefs, i), Commit: NewCommit{Message: "record"}})
	}
	hashes, errs := repo.AppendAll(t.Context(), list)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	loose, err := repo.Refs(t.Context(), "refs/")
	if err != nil || len(loose) != maxLooseRecords+2 {
		t.Fatalf("%d refs, %v", len(loose), err)
	}
	if err := repo.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(repo.Dir(), "refs", "pushboat", "deploys")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the refs of records are files still: %v", err)
	}
	packed, err := repo.Refs(t.Context(), "refs")
	if err != nil || fmt.Sprint(packed) != fmt.Sprint(loose) {
		t.Errorf("packed: %v, %v\nwant %v", packed, err, loose)
	}
	second, err := repo.Append(t.Context(), "refs/heads/main", hashes[0], NewCommit{Message: "second"})
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]Hash{"refs/heads/main": second, "HEAD": second, loose[1].Name: loose[1].Hash} {
		if at, err := repo.Head(t.Context(), ref); err != nil || at != want {
			t.Errorf("%s is at %s, %v; want %s", ref, at, err, want)
		}
	}
	heads, err := repo.Refs(t.Context(), "refs/heads")
	if err != nil || len(heads) != 1 || heads[0].Hash != second {
		t.Errorf("heads: %v, %v", heads, err)
	}
	for _, absent := range []string{"refs/heads/mai", "refs/heads/main/x", "refs/heads", loose[1].Name + "0"} {
		if at, err := repo.Head(t.Context(), absent); !errors.Is(err, ErrNoRef) {
			t.Errorf("%s is at %s, %v", absent, at, err)
		}
	}
	for _, bad := range []string{"refs/../..", "objects", "refs/heads/../../objects"} {
		if found, err := repo.Refs(t.Context(), bad); err == nil {
			t.Errorf("prefix %s: %v", bad, found)
		}
	}
}

// TestMalformedRefs: a ref that cannot be read is an error, not a missing ref.
func TestMalformedRefs(t *testing.T) {
	repo := newRepository(t, StoreOptions{})
	for name, text := range map[string]string{
		"empty": "", "no hash": "main\n", "circle": "ref: refs/heads/circle\n", "astray": "ref: ../../HEAD\n",
	} {
		path := filepath.Join(repo.Dir(), "refs", "heads", "circle")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if at, err := repo.Head(t.Context(), "refs/heads/circle"); err == nil || errors.Is(err, ErrNoRef) {
			t.Errorf("%s: %s, %v", name, at, err)
		}
		if found, err := repo.Refs(t.Context(), "refs/heads"); err == nil {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestFindLine(t *testing.T) {
	repo := newRepository(t, StoreOptions{})
	const ref = RecordRefs + "deploys/shop"
	var at Hash
	hashes := map[int]Hash{}
	for n := range 12 {
		hash, err := repo.Append(t.Context(), ref, at, NewCommit{Message: fmt.Sprintf("shop\n\nDeploy: shop-%d\nx: y\n", n)})
		if err != nil {
			t.Fatal(err)
		}
		hashes[n], at = hash, hash
	}
	for n, want := range map[int]Hash{1: hashes[1], 11: hashes[11], 12: ""} {
		if found, err := repo.FindLine(t.Context(), ref, fmt.Sprintf("Deploy: shop-%d", n)); err != nil || found != want {
			t.Errorf("%d: %s, %v; want %s", n, found, err, want)
		}
	}
	if found, err := repo.FindLine(t.Context(), ref, "Deploy: .*"); err == nil {
		t.Errorf("an expression: %s", found)
	}
}
