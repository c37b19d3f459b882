package mount

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
)

// linked is a tree whose every path leads through a link.
type linked struct{ fstest.MapFS }

func (linked) Through(file string) []string { return []string{"link", file} }

func files(names ...string) fstest.MapFS {
	tree := fstest.MapFS{}
	for _, name := range names {
		tree[name] = &fstest.MapFile{Data: []byte(name)}
	}
	return tree
}

func TestMountedTreesAreBelowTheirFolder(t *testing.T) {
	tree := On(files("a", ".others/b/c"), ".others")
	tree.Put("one", linked{files("c", "d/e")})
	for name, want := range map[string]string{"a": "a", ".others/one/c": "c", ".others/one/d/e": "d/e", ".others/b/c": ".others/b/c"} {
		if text, err := tree.ReadFile(name); err != nil || string(text) != want {
			t.Errorf("read %s: %q, %v", name, text, err)
		}
		if file, err := tree.Open(name); err != nil {
			t.Errorf("open %s: %v", name, err)
		} else if err := file.Close(); err != nil {
			t.Error(err)
		}
		if _, err := tree.Stat(name); err != nil {
			t.Errorf("stat %s: %v", name, err)
		}
	}
	entries, err := tree.ReadDir(".others/one")
	if err != nil || len(entries) != 2 || entries[0].Name() != "c" || entries[1].Name() != "d" {
		t.Errorf("list: %v, %v", entries, err)
	}
	if way := tree.Through(".others/one/c"); !slices.Equal(way, []string{".others/one/link", ".others/one/c"}) {
		t.Errorf("through %q", way)
	}
	if way := tree.Through("a"); way != nil {
		t.Errorf("the base has no links, and a leads through %q", way)
	}
	_, err = tree.ReadFile(".others/one/none")
	of, ok := errors.AsType[*fs.PathError](err)
	if !ok || of.Path != ".others/one/none" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error of an absent file: %v", err)
	}
	if !tree.Has("one") || tree.Has("two") || tree.Len() != 1 {
		t.Error("one tree is mounted, as one")
	}
}

func TestOnlyAFolderIsThere(t *testing.T) {
	part := Only(linked{files("a/b", "ab", "c/d", "c/e")}, "a", "c/e")
	for _, there := range []string{"a", "a/b", "c/e"} {
		if _, err := fs.Stat(part, there); err != nil {
			t.Error(err)
		}
	}
	for _, absent := range []string{".", "ab", "c", "c/d", "c/e/f", "a/../c/d"} {
		_, stat := fs.Stat(part, absent)
		_, read := fs.ReadFile(part, absent)
		_, list := fs.ReadDir(part, absent)
		_, open := part.Open(absent)
		for _, err := range []error{stat, read, list, open} {
			if err == nil {
				t.Errorf("%s is there", absent)
			}
		}
	}
	text, err := fs.ReadFile(part, "a/b")
	entries, listed := fs.ReadDir(part, "a")
	file, opened := part.Open("a/b")
	if err := errors.Join(err, listed, opened); err != nil || string(text) != "a/b" || len(entries) != 1 {
		t.Fatalf("%q, %v, %v", text, entries, err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	links, ok := part.(interface{ Through(string) []string })
	if !ok || len(links.Through("a/b")) != 2 {
		t.Error("links are not followed")
	}
}
