package git

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// Commits that come by a merge's second parent are new to a branch, too; those that others
// have are not.
func TestNewCommits(t *testing.T) {
	repo := newRepository(t, StoreOptions{})
	first := commitOn(t, repo, "first")
	left, right := commitOn(t, repo, "left", first), commitOn(t, repo, "right", first)
	merge := commitOn(t, repo, "merge", left, right)
	for name, test := range map[string]struct {
		others []Hash
		max    int
		want   []Hash
	}{
		"all":            {nil, 9, []Hash{merge, right, left, first}},
		"after first":    {[]Hash{first}, 9, []Hash{merge, right, left}},
		"after left":     {[]Hash{left}, 9, []Hash{merge, right}},
		"after both":     {[]Hash{left, right}, 9, []Hash{merge}},
		"none":           {[]Hash{merge}, 9, nil},
		"not all of all": {nil, 2, []Hash{merge, right}},
	} {
		commits, err := repo.NewCommits(t.Context(), merge, test.others, Quarantine{}, test.max)
		slices.Sort(commits)
		slices.Sort(test.want)
		if err != nil || len(commits) != len(test.want) || name != "not all of all" && !slices.Equal(commits, test.want) {
			t.Errorf("%s: %v, %v, want %v", name, commits, err, test.want)
		}
	}
	if _, err := repo.NewCommits(t.Context(), "--all", nil, Quarantine{}, 1); err == nil {
		t.Error("an option is taken for a commit")
	}
	if _, err := repo.NewCommits(t.Context(), merge, []Hash{"x\n--all"}, Quarantine{}, 1); err == nil {
		t.Error("an option is taken for another branch")
	}
}

func TestRawCommits(t *testing.T) {
	repo := newRepository(t, StoreOptions{})
	hash := commitOn(t, repo, "first")
	read, err := repo.RawCommits(Quarantine{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := repo.run(t.Context(), Quarantine{}, "cat-file", "commit", string(hash))
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := read(hash); err != nil || string(raw) != string(want) {
		t.Errorf("%q, %v, want %q", raw, err, want)
	}
	if _, err := read(Hash(strings.Repeat("1", 40))); err == nil {
		t.Error("a commit that is not there is read")
	}
	long := gitIn(t, repo, strings.Repeat("a", maxCommitBytes), "commit-tree", "-F", "-", string(emptyTree))
	if _, err := read(Hash(long)); !errors.Is(err, ErrLimit) {
		t.Errorf("a commit of more than 4 MiB: %v", err)
	}
}

// commitOn makes a commit of the empty tree.
func commitOn(t *testing.T, repo *Repository, message string, parents ...Hash) Hash {
	t.Helper()
	args := []string{"commit-tree", "-m", message, string(emptyTree)}
	for _, parent := range parents {
		args = append(args, "-p", string(parent))
	}
	return Hash(gitIn(t, repo, "", args...))
}
