package git

import (
	"context"
	"io/fs"
)

// log returns up to max commits of a ref, newest first, along first parents; ErrNoRef if
// there is no such ref.
func (r *Repository) log(ctx context.Context, ref string, max int) ([]Commit, error) {
	hash, err := r.Head(ctx, ref)
	if err != nil {
		return nil, err
	}
	return r.LogFrom(ctx, hash, max)
}

// readFile returns a file of a commit; fs.ErrNotExist if the commit does not have it.
func (r *Repository) readFile(hash Hash, path string) ([]byte, error) {
	tree, err := r.Tree(hash)
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(tree, path)
}
