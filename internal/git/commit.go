package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/object"
)

// ErrNotCommit is the error of an object that is no commit, nor a tag of one.
var ErrNotCommit = errors.New("not a commit")

// Signature is the author or committer of a commit. Both fields are as the committer
// wrote them: any bytes, to be cleaned before they reach a terminal.
type Signature struct {
	Name, Email string
}

// String writes the signature as git does: "Ana <ana@example.org>".
func (s Signature) String() string { return s.Name + " <" + s.Email + ">" }

// Commit is a commit's own data, any bytes as they were pushed.
type Commit struct {
	Hash, Tree Hash
	Parents    []Hash
	Author     Signature
	When       time.Time // the committer's, in its own zone
	Message    string    // whole
}

// Subject returns the first line of the message.
func (c Commit) Subject() string {
	subject, _, _ := strings.Cut(strings.TrimLeft(c.Message, "\n"), "\n")
	return subject
}

// Commit reads a commit; a tag stands for the commit that it names.
func (r *Repository) Commit(hash Hash) (Commit, error) {
	return r.QuarantinedCommit(hash, Quarantine{})
}

// QuarantinedCommit reads a commit that may still be in quarantine.
func (r *Repository) QuarantinedCommit(hash Hash, q Quarantine) (Commit, error) {
	objects, err := r.openObjects(q)
	if err != nil {
		return Commit{}, err
	}
	return r.readCommit(objects, hash)
}

func (r *Repository) readCommit(objects *objects, hash Hash) (Commit, error) {
	c, err := r.findCommit(objects, hash)
	if err != nil {
		return Commit{}, err
	}
	commit := Commit{
		Hash:    Hash(c.Hash.String()),
		Tree:    Hash(c.TreeHash.String()),
		Author:  Signature{Name: c.Author.Name, Email: c.Author.Email},
		When:    c.Committer.When,
		Message: c.Message,
	}
	for _, parent := range c.ParentHashes {
		commit.Parents = append(commit.Parents, Hash(parent.String()))
	}
	return commit, nil
}

func (r *Repository) findCommit(objects *objects, hash Hash) (*object.Commit, error) {
	if _, err := ParseHash(string(hash)); err != nil {
		return nil, err
	}
	if len(hash) != 40 {
		return nil, fmt.Errorf("commit %s of %q: repositories of SHA-256 are not supported", hash.Short(), r.name)
	}
	c, err := objects.commit(hash)
	if errors.Is(err, object.ErrUnsupportedObject) {
		err = ErrNotCommit
	}
	if err != nil {
		return nil, fmt.Errorf("read commit %s of %q: %w", hash.Short(), r.name, err)
	}
	return c, nil
}

// LogFrom returns up to max commits, newest first, from one on along first parents, so
// that callers can read a long history page by page.
func (r *Repository) LogFrom(ctx context.Context, hash Hash, max int) ([]Commit, error) {
	reader, err := r.Reader()
	if err != nil {
		return nil, err
	}
	return reader.LogFrom(ctx, hash, max)
}

// LogFrom is Repository.LogFrom.
func (r *Reader) LogFrom(ctx context.Context, hash Hash, max int) ([]Commit, error) {
	var commits []Commit
	for len(commits) < max {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, err := r.repository.readCommit(r.objects, hash)
		if err != nil {
			return nil, err
		}
		commits = append(commits, c)
		if len(c.Parents) == 0 {
			break
		}
		hash = c.Parents[0]
	}
	return commits, nil
}

// plainLine matches the lines that FindLine can search for: without special characters
// of expressions.
var plainLine = regexp.MustCompile(`^[A-Za-z0-9: _-]+$`)

// FindLine returns the newest commit of a ref, along first parents, whose message has
// the line; "" if there is none. Git does the search: go-git took 2.5 s for 10,000
// messages (measured).
func (r *Repository) FindLine(ctx context.Context, ref, line string) (Hash, error) {
	if !plainLine.MatchString(line) {
		return "", fmt.Errorf("look for the line %s: want letters, digits and - alone", quoteShort(line))
	}
	if err := CheckRef(ref); err != nil {
		return "", err
	}
	out, err := r.run(ctx, Quarantine{}, "rev-list", "--first-parent", "--max-count=1", "--grep=^"+line+"$", ref, "--")
	if err != nil || len(out) == 0 {
		return "", err
	}
	return ParseHash(strings.TrimSpace(string(out)))
}

// ReadFiles returns one file of each of several commits, in their order. The content is
// nil for a commit without the file.
func (r *Repository) ReadFiles(ctx context.Context, hashes []Hash, path string) ([][]byte, error) {
	objects, err := r.openObjects(Quarantine{})
	if err != nil {
		return nil, err
	}
	contents := make([][]byte, len(hashes))
	for i, hash := range hashes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		tree, err := r.openTree(objects, hash)
		if err != nil {
			return nil, err
		}
		contents[i], err = tree.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return contents, nil
}

// TreeHash returns the hash of a folder of a commit, "." for all of it. Equal hashes
// mean equal contents. The error is fs.ErrNotExist when there is no such folder.
func (r *Repository) TreeHash(hash Hash, path string) (Hash, error) {
	tree, err := r.Tree(hash)
	if err != nil {
		return "", err
	}
	info, err := fs.Stat(tree, path)
	if err != nil {
		return "", err
	}
	found, ok := info.Sys().(Hash)
	if !info.IsDir() || !ok {
		return "", fmt.Errorf("%q of commit %s is no folder", path, hash.Short())
	}
	return found, nil
}
