package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatWasAskedForIsKept(t *testing.T) {
	repo := newRepository(t, StoreOptions{})
	ref := "refs/heads/feature/" + strings.Repeat("x", 200)
	if text, err := repo.Asked(ref); err != nil || text != "" {
		t.Fatalf("asked for %q before anything was kept (%v)", text, err)
	}
	for _, text := range []string{"first", "second"} {
		if err := repo.SetAsked(ref, text); err != nil {
			t.Fatal(err)
		}
		if got, err := repo.Asked(ref); err != nil || got != text {
			t.Fatalf("kept %q, read %q (%v)", text, got, err)
		}
	}
	if text, _ := repo.Asked("refs/heads/main"); text != "" {
		t.Fatalf("another ref has %q", text)
	}
	files, err := filepath.Glob(filepath.Join(repo.Dir(), "pushboat-asked", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("left behind: %v (%v)", files, err)
	}
	if err := os.WriteFile(files[0], []byte(strings.Repeat("x", 1<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := repo.Asked(ref); err != nil || len(text) > maxAsked {
		t.Fatalf("read %d bytes (%v)", len(text), err)
	}
}
