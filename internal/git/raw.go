package git

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// NewCommits returns the commits that lead to a commit and to none of others, newest
// first, whichever parent they come by; at most max. The commit may still be in quarantine.
func (r *Repository) NewCommits(ctx context.Context, to Hash, others []Hash, q Quarantine, max int) ([]Hash, error) {
	env, err := r.quarantineEnv(q)
	if err != nil {
		return nil, err
	}
	var asked strings.Builder
	for _, hash := range append([]Hash{to}, others...) {
		if _, err := ParseHash(string(hash)); err != nil {
			return nil, err
		}
	}
	fmt.Fprintln(&asked, to)
	for _, hash := range others {
		fmt.Fprintf(&asked, "^%s\n", hash)
	}
	out, err := r.opts.run(ctx, runRequest{
		args: []string{"rev-list", "--topo-order", fmt.Sprintf("--max-count=%d", max), "--stdin"},
		dir:  r.dir, env: append(append(identityEnv("pushboat"), "GIT_DIR="+r.dir), env...),
		stdin: strings.NewReader(asked.String()),
	})
	if err != nil {
		return nil, fmt.Errorf("list the commits of %s in %q: %w", to.Short(), r.name, err)
	}
	var hashes []Hash
	for word := range strings.FieldsSeq(string(out)) {
		hashes = append(hashes, Hash(word))
	}
	return hashes, nil
}

// RawCommits returns a function that reads commits, byte by byte as Git stores them, also
// from quarantine. It is safe for concurrent use. The error is ErrLimit for one of more
// than 4 MiB.
func (r *Repository) RawCommits(q Quarantine) (read func(Hash) ([]byte, error), err error) {
	objects, err := r.openObjects(q)
	if err != nil {
		return nil, err
	}
	return func(hash Hash) ([]byte, error) {
		raw, err := objects.rawCommit(hash)
		if err != nil {
			return nil, fmt.Errorf("read commit %s of %q: %w", hash.Short(), r.name, err)
		}
		return raw, nil
	}, nil
}

func (o *objects) rawCommit(hash Hash) (raw []byte, err error) {
	size, err := o.size(hash)
	if err != nil {
		return nil, err
	}
	if size > maxCommitBytes {
		return nil, fmt.Errorf("%w: an object of %d bytes", ErrLimit, size)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	defer recovered(&err)
	found, err := o.get(plumbing.CommitObject, plumbing.NewHash(string(hash)))
	if err != nil {
		return nil, err
	}
	reader, err := found.Reader()
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }() // only read
	return io.ReadAll(reader)
}
