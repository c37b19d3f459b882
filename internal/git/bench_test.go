package git

import (
	"context"
	"fmt"
	"io/fs"
	"testing"
)

// BenchmarkTree measures the cost of reading a whole revision of 200 files in 200
// directories, and of looking up a ref.
func BenchmarkTree(b *testing.B) {
	s, err := OpenStore(b.TempDir(), StoreOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r, err := s.Create(context.Background(), "shop")
	if err != nil {
		b.Fatal(err)
	}
	hash, err := r.Append(context.Background(), "refs/heads/main", "", NewCommit{Files: manyFiles(200)})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("read 200 files", func(b *testing.B) {
		for b.Loop() {
			tree, err := r.Tree(hash)
			if err != nil {
				b.Fatal(err)
			}
			if err := readAll(tree); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open 10,000 files", func(b *testing.B) {
		files := map[string][]byte{}
		for i := range 10_000 {
			files[fmt.Sprintf("deploy/web-%05d-config.yaml", i)] = nil
		}
		hash, err := r.Append(context.Background(), "refs/heads/huge", "", NewCommit{Files: files})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			tree, err := r.Tree(hash)
			if err != nil {
				b.Fatal(err)
			}
			if found, err := fs.ReadDir(tree, "deploy"); err != nil || len(found) != len(files) {
				b.Fatal(len(found), err)
			}
		}
	})
	b.Run("head", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Head(context.Background(), "refs/heads/main"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("append", func(b *testing.B) {
		at := Hash("")
		for b.Loop() {
			if at, err = r.Append(context.Background(), "refs/pushboat/deploys/shop", at, NewCommit{Message: "m", Files: manyFiles(3)}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
