package backup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/pushboat/pushboat/internal/git"
)

// thousand is a data directory with 1,000 repositories of 20 packs each, 300 MB in all. The
// packs share their disk blocks, since only their number matters.
func thousand(b *testing.B) Source {
	b.Helper()
	data := b.TempDir()
	store, err := git.OpenStore(filepath.Join(data, "repos"), git.StoreOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	first, err := store.Create(b.Context(), "r-0")
	if err != nil {
		b.Fatal(err)
	}
	var at git.Hash
	for i := range 20 {
		text := make([]byte, 15<<10)
		_, _ = rand.Read(text)
		at, err = first.Append(b.Context(), "refs/heads/main", at, git.NewCommit{Message: fmt.Sprint(i), Files: map[string][]byte{"f": text}})
		if err != nil {
			b.Fatal(err)
		}
	}
	for i := 1; i < 1000; i++ {
		if err := link(first.Dir(), filepath.Join(data, "repos", fmt.Sprintf("r-%d.git", i))); err != nil {
			b.Fatal(err)
		}
	}
	return Source{Data: data, Repos: store, Program: "bench"}
}

// link copies a folder by making links to its files.
func link(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(from, path)
		if err != nil || entry.IsDir() {
			return errors.Join(err, os.MkdirAll(filepath.Join(to, inside), 0o700))
		}
		return os.Link(path, filepath.Join(to, inside))
	})
}

// BenchmarkBackup compares a backup of 1,000 repositories with copying the same files into
// one file.
func BenchmarkBackup(b *testing.B) {
	source := thousand(b)
	out := filepath.Join(b.TempDir(), "out")
	var size int64
	b.Run("backup", func(b *testing.B) {
		for b.Loop() {
			file, err := os.Create(out)
			if err != nil {
				b.Fatal(err)
			}
			summary, err := source.Write(b.Context(), Steady(file), Request{})
			if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
				b.Fatal(err)
			}
			size = summary.Bytes
		}
		b.SetBytes(size)
	})
	b.Run("copy", func(b *testing.B) {
		for b.Loop() {
			if err := concatenate(source.Data, out); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(size)
	})
	b.Run("restore", func(b *testing.B) {
		file, err := os.Create(out)
		if err == nil {
			_, err = source.Write(b.Context(), file, Request{})
		}
		if err = errors.Join(err, file.Close()); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := (Restore{Archives: Files(out), Data: filepath.Join(b.TempDir(), "data")}).Run(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(size)
	})
}

// concatenate writes all files below a folder into one file.
func concatenate(dir, out string) error {
	to, err := os.Create(out)
	if err != nil {
		return err
	}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		from, err := os.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(to, from)
		return errors.Join(err, from.Close())
	})
	return errors.Join(err, to.Sync(), to.Close())
}
