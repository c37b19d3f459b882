package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLocate: a folder is described from the root of its tree, whichever path leads to it.
func TestLocate(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"repo/.git", "repo/overlays/prod", "repo/own", "other/sub", "declared/apps/a", "alone/below"} {
		if err := os.MkdirAll(filepath.Join(top, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"repo/own/pushboat.yaml", "declared/pushboat.yaml", "alone/below/a.yaml"} {
		if err := os.WriteFile(filepath.Join(top, file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"repo/current": "overlays/prod", "repo/out": "../other", "in": "repo/overlays/prod", "to": "repo", "away": "alone"} {
		if err := os.Symlink(target, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ name, dir, root, inside, real string }{
		{"the root", "repo", "repo", ".", "."},
		{"a folder of a repository", "repo/overlays/prod", "repo", "overlays/prod", "overlays/prod"},
		{"a link in it", "repo/current", "repo", "current", "overlays/prod"},
		{"a link into it", "in", "repo", "overlays/prod", "overlays/prod"},
		{"a link to it", "to", "repo", ".", "."},
		{"by way of a link to it", "to/overlays/prod", "repo", "overlays/prod", "overlays/prod"},
		{"a link out of it", "repo/out", "other", ".", "."},
		{"a folder with a file of its own", "repo/own", "repo/own", ".", "."},
		{"below a file, without Git", "declared/apps/a", "declared", "apps/a", "apps/a"},
		{"neither", "alone/below", "alone/below", ".", "."},
		{"a link to neither", "away/below", "alone/below", ".", "."},
	} {
		got, err := locate(filepath.Join(top, tt.dir))
		root, _ := filepath.EvalSymlinks(got.root)
		if want := filepath.Join(top, tt.root); err != nil || root != want || got.inside != tt.inside || got.real != tt.real {
			t.Errorf("%s: %+v, %v; want %s %s %s", tt.name, got, err, want, tt.inside, tt.real)
		}
	}
	if _, err := locate(filepath.Join(top, "none")); err == nil {
		t.Error("a missing folder was found")
	}
}
