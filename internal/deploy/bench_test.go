package deploy

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// TestChangedTree: what has changed is known by no hash, so that whoever has it cached reads it.
func TestChangedTree(t *testing.T) {
	tree := changedTree{fstest.MapFS{
		"a/b/c.yaml": {Data: []byte("old"), Sys: "hash"}, "a/b": {Mode: fs.ModeDir, Sys: "hash"}, "a": {Mode: fs.ModeDir, Sys: "hash"},
		"a/bc.yaml": {Data: []byte("old"), Sys: "hash"}, "d": {Mode: fs.ModeDir, Sys: "hash"},
	}, map[string][]byte{"a/b/c.yaml": []byte("changed")}}
	for name, known := range map[string]bool{"a/b/c.yaml": false, "a/b": false, "a": false, ".": false, "a/bc.yaml": true, "d": true} {
		info, err := fs.Stat(tree, name)
		if err != nil || (info.Sys() != nil) != known {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	for folder, want := range map[string]string{".": "a d+", "a": "b bc.yaml+", "a/b": "c.yaml", "d": ""} {
		entries, err := fs.ReadDir(tree, folder)
		got := []string{}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			word := entry.Name()
			if info.Sys() != nil {
				word += "+"
			}
			got = append(got, word)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("in %s: %q, %v", folder, got, err)
		}
	}
	if info, err := fs.Stat(tree, "a/b/c.yaml"); err != nil || info.Size() != int64(len("changed")) {
		t.Errorf("the size: %v, %v", info, err)
	}
	if text, err := fs.ReadFile(tree, "a/b/c.yaml"); err != nil || string(text) != "changed" {
		t.Errorf("the text: %q, %v", text, err)
	}
	if _, err := fs.Stat(tree, "none"); err == nil {
		t.Error("what is not there is")
	}
}
