package git

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestChangesAndDiff(t *testing.T) {
	s := newStore(t, StoreOptions{})
	r, err := s.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	first := mustAppend(t, r, "", NewCommit{Files: map[string][]byte{
		"m/same/x": []byte("1\n"), "m/a/gone": []byte("1\n"), "m/a/other": []byte("red\n"), "m/becomes": []byte("file\n"), "outside": []byte("1\n"),
	}})
	second := mustAppend(t, r, first, NewCommit{
		Remove: []string{"m/a/gone", "m/becomes"},
		Files:  map[string][]byte{"m/a/other": []byte("green\n"), "outside": []byte("2\n"), "m/%2Enew": []byte("1\n")},
	})
	third := mustAppend(t, r, second, NewCommit{Files: map[string][]byte{"m/becomes/folder": []byte("1\n")}})
	changes, all, err := r.Changes(t.Context(), first, third, "m", AllChanges)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, change := range changes {
		paths = append(paths, change.Path)
	}
	if got, want := strings.Join(paths, " "), "m/%2Enew m/a/gone m/a/other m/becomes/folder m/becomes"; got != want || all != 5 {
		t.Errorf("changed are %d: %s, want %s", all, got, want)
	}
	for _, most := range []int{0, 2} {
		if few, all, err := r.Changes(t.Context(), first, third, "m", most); err != nil || all != 5 || len(few) != most || most > 0 && !reflect.DeepEqual(few, changes[:most]) {
			t.Errorf("the first %d of %d changes are %v, %v", most, all, few, err)
		}
	}
	text, err := s.Diff(t.Context(), changes[:3])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--- a/m/a/other\n+++ b/m/a/other\n", "\n-red\n+green\n", "deleted file mode", "new file mode"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the diff lacks %q:\n%s", want, text)
		}
	}
	if none, err := s.Diff(t.Context(), nil); err == nil && len(none) > 0 {
		t.Errorf("the diff of nothing is %s", none)
	} else if err != nil {
		t.Error(err)
	}
	if all, _, err := r.Changes(t.Context(), "", first, "m", AllChanges); err != nil || len(all) != 4 {
		t.Errorf("against nothing: %v, %v", all, err)
	}
	if _, err := s.Diff(t.Context(), []FileChange{{Path: "../x", After: []byte("1")}}); err == nil {
		t.Error("a path outside the repository was accepted")
	}
}

// TestMoveBranch: a push in between keeps MoveBranch from moving the branch.
func TestMoveBranch(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	const main = "refs/heads/main"
	first, err := r.Append(t.Context(), main, "", NewCommit{Message: "1"})
	if err != nil {
		t.Fatal(err)
	}
	mine, err := r.Import(t.Context(), first, NewCommit{Message: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	if at, err := r.Head(t.Context(), main); err != nil || at != first {
		t.Fatalf("an import has moved the branch to %s, %v", at, err)
	}
	theirs, err := r.Append(t.Context(), main, first, NewCommit{Message: "theirs"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.MoveBranch(t.Context(), main, first, mine, Note{"ana", "rollback"}); !errors.Is(err, ErrRefMoved) {
		t.Errorf("moved from a commit that the branch was not at: %v", err)
	}
	if err := r.MoveBranch(t.Context(), main, theirs, first, Note{"ana", "back"}); err != nil {
		t.Error(err)
	}
	if at, err := r.Head(t.Context(), main); err != nil || at != first {
		t.Errorf("the branch is at %s, %v", at, err)
	}
	if log := gitIn(t, r, "", "reflog", "show", "--format=%gn %gs", main); !strings.HasPrefix(log, "ana back") {
		t.Errorf("the reflog is %q", log)
	}
}
