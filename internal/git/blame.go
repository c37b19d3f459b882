package git

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Blame returns the commit that a line of a file at a commit comes from. The
// line is counted from 1.
func (r *Repository) Blame(ctx context.Context, hash Hash, path string, line int) (Commit, error) {
	if _, err := ParseHash(string(hash)); err != nil {
		return Commit{}, err
	}
	n := strconv.Itoa(line)
	out, err := r.run(ctx, Quarantine{}, "blame", "--porcelain", "-L", n+","+n, string(hash), "--", path)
	if err != nil {
		return Commit{}, fmt.Errorf("find who wrote line %d of %q: %w", line, path, err)
	}
	first, _, _ := strings.Cut(string(out), " ")
	found, err := ParseHash(first)
	if err != nil {
		return Commit{}, fmt.Errorf("find who wrote line %d of %q: %w", line, path, err)
	}
	return r.Commit(found)
}
