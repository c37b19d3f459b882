package git

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ChangedPaths returns the paths of the files that differ between two commits, in order;
// the newer one may still be in quarantine. A file that moves is gone at one path and new
// at another. A zero before stands for a branch that begins: it is compared with where it
// leaves the repository's main branch, or with nothing. The error is also one of more
// paths than a command's output may have.
func (r *Repository) ChangedPaths(ctx context.Context, before, after Hash, q Quarantine) ([]string, error) {
	if _, err := ParseHash(string(after)); err != nil {
		return nil, err
	}
	base := before
	if before.IsZero() {
		var err error
		if base, err = r.leaves(ctx, after, q); err != nil {
			return nil, err
		}
	}
	out, err := r.run(ctx, q, "diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-commit-id", string(base), string(after))
	if err != nil {
		return nil, fmt.Errorf("compare %s with %s in %q: %w", base.Short(), after.Short(), r.name, err)
	}
	paths := []string{}
	for path := range strings.SplitSeq(string(out), "\x00") {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return paths, nil
}

// leaves returns the newest commit that a commit has in common with the main branch, or
// the empty tree if there is none.
func (r *Repository) leaves(ctx context.Context, commit Hash, q Quarantine) (Hash, error) {
	main, err := r.MainBranch()
	if err != nil {
		return "", err
	}
	head, err := r.Head(ctx, main.Ref())
	if errors.Is(err, ErrNoRef) {
		return emptyTree, nil
	}
	if err != nil {
		return "", err
	}
	out, err := r.run(ctx, q, "merge-base", string(head), string(commit))
	var exit *exitError
	if errors.As(err, &exit) && exit.status == 1 {
		return emptyTree, nil
	}
	if err != nil {
		return "", fmt.Errorf("compare %s with branch %q of %q: %w", commit.Short(), main, r.name, err)
	}
	base, _, _ := strings.Cut(string(out), "\n")
	return Hash(base), nil
}
