package git

import (
	"slices"
	"testing"
)

func TestChangedPaths(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	const main = "refs/heads/main"
	put := func(ref string, old Hash, c NewCommit) Hash {
		t.Helper()
		c.Message = "x"
		hash, err := r.Append(t.Context(), ref, old, c)
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	check := func(before, after Hash, want ...string) {
		t.Helper()
		got, err := r.ChangedPaths(t.Context(), before, after, Quarantine{})
		if err != nil || got == nil || !slices.Equal(got, want) {
			t.Errorf("%s to %s: %q, %v; want %q", before.Short(), after.Short(), got, err, want)
		}
	}
	file := func(text string) []byte { return []byte(text + "\n") }
	alone := put("refs/heads/alone", "", NewCommit{Files: map[string][]byte{"x": file("1")}})
	check("", alone, "x") // there is no main branch
	first := put(main, "", NewCommit{Files: map[string][]byte{"web/a": file("1"), "api/b": file("2"), "odd \"ñ\n": file("3")}})
	check("", alone, "x") // the branch has no commit in common with the main branch
	second := put(main, first, NewCommit{Files: map[string][]byte{"web/a": file("4")}})
	check(first, second, "web/a")
	check(second, second)
	moved := put(main, second, NewCommit{Remove: []string{"api/b"}, Files: map[string][]byte{"web/b": file("2")}})
	check(second, moved, "api/b", "web/b")
	check(first, moved, "api/b", "web/a", "web/b")
	gone := put(main, moved, NewCommit{Remove: []string{"odd \"ñ\n"}})
	check(moved, gone, "odd \"ñ\n")
	branch, err := r.Import(t.Context(), first, NewCommit{Message: "x", Files: map[string][]byte{"api/b": file("5")}})
	if err != nil {
		t.Fatal(err)
	}
	check("", branch, "api/b") // the changes since the branch left the main branch
	for _, hash := range []Hash{"", "x", "--help"} {
		if paths, err := r.ChangedPaths(t.Context(), first, hash, Quarantine{}); err == nil {
			t.Errorf("%q changes %q", hash, paths)
		}
	}
}
