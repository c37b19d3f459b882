package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/name"
)

// ErrNoRef is the error of a ref that does not exist.
var ErrNoRef = errors.New("ref does not exist")

// Repository is one bare repository. It holds nothing open and is safe for concurrent
// use.
type Repository struct {
	name name.Repo
	dir  string
	opts StoreOptions

	store *Store
}

// Name returns the repository's name.
func (r *Repository) Name() name.Repo { return r.name }

// dirOf returns the directory of a repository, relative to the store's.
func dirOf(repo name.Repo) string { return string(repo) + ".git" }

// Dir returns the repository's absolute directory, without symlinks in it.
func (r *Repository) Dir() string { return r.dir }

// Ref is a name for an object.
type Ref struct {
	Name string // in full: refs/heads/main
	Hash Hash
}

// CheckRef checks a full ref name by the rules of git-check-ref-format. They accept
// "refs/heads/$(id)" and "refs/heads/--x": a ref is data, and never stands where a
// shell or an option parser looks.
func CheckRef(ref string) error {
	bad := len(ref) > maxRefBytes || !strings.HasPrefix(ref, "refs/") || strings.HasSuffix(ref, ".") ||
		strings.Contains(ref, "..") || strings.Contains(ref, "@{") || strings.ContainsFunc(ref, badInRef)
	for part := range strings.SplitSeq(ref, "/") {
		bad = bad || part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock")
	}
	if bad {
		return fmt.Errorf("ref %s: want a full name such as refs/heads/main", quoteShort(ref))
	}
	return nil
}

// maxRefBytes bounds a ref's name, which is a path below the repository.
const maxRefBytes = 1024

func badInRef(c rune) bool {
	return c <= ' ' || c == 0x7f || strings.ContainsRune(`~^:?*[\`, c)
}

// Head returns the value of a full ref name, or HEAD; ErrNoRef when there is no such
// ref. It starts no process.
func (r *Repository) Head(ctx context.Context, ref string) (hash Hash, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if ref != "HEAD" {
		if err := CheckRef(ref); err != nil {
			return "", err
		}
	}
	hash, err = r.readRef(ref)
	if errors.Is(err, ErrNoRef) {
		return "", fmt.Errorf("%q of repository %q: %w", ref, r.name, ErrNoRef)
	}
	if err != nil {
		return "", fmt.Errorf("read ref %q of repository %q: %w", ref, r.name, err)
	}
	return hash, nil
}

// MainBranch returns the branch that HEAD names, which a clone checks out:
// "main" in a new repository, whether or not there is such a branch.
func (r *Repository) MainBranch() (name.Branch, error) {
	text, err := os.ReadFile(filepath.Join(r.dir, "HEAD"))
	if err != nil {
		return "", fmt.Errorf("read HEAD of repository %q: %w", r.name, err)
	}
	ref, symbolic := strings.CutPrefix(strings.TrimSpace(string(text)), "ref: ")
	branch, ok := name.BranchOf(ref)
	if !symbolic || !ok || CheckRef(ref) != nil {
		return "", fmt.Errorf("HEAD of repository %q is %s, and no branch", r.name, quoteShort(string(text)))
	}
	return branch, nil
}

// SetMainBranch makes HEAD name a branch. When it returns, that is on disk.
func (r *Repository) SetMainBranch(branch name.Branch) error {
	ref := branch.Ref()
	if err := CheckRef(ref); err != nil {
		return err
	}
	if err := r.opts.Fence(); err != nil {
		return err
	}
	if err := r.replaceFile(filepath.Join(r.dir, "HEAD"), "ref: "+ref+"\n"); err != nil {
		return fmt.Errorf("have HEAD of repository %q name %s: %w", r.name, quoteShort(string(branch)), err)
	}
	return nil
}

// Refs returns the refs below a prefix such as refs/heads/, in the order of
// their names. A prefix is a whole number of name parts; "" or "refs/" is all.
func (r *Repository) Refs(ctx context.Context, prefix string) ([]Ref, error) {
	prefix = strings.TrimSuffix(prefix, "/")
	if prefix == "" {
		prefix = "refs"
	}
	if CheckRef(prefix+"/x") != nil {
		return nil, fmt.Errorf("ref prefix %s: want one that begins with refs/", quoteShort(prefix))
	}
	found, err := r.readRefs(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("list refs of %q: %w", r.name, err)
	}
	slices.SortFunc(found, func(a, b Ref) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// IsAncestor reports whether old is new or an ancestor of it: whether moving a ref from
// one to the other is a fast-forward. q is the quarantine that may still hold new; its
// zero value is none.
func (r *Repository) IsAncestor(ctx context.Context, old, new Hash, q Quarantine) (bool, error) {
	for _, hash := range []Hash{old, new} {
		if _, err := ParseHash(string(hash)); err != nil {
			return false, err
		}
	}
	if c, err := r.QuarantinedCommit(new, q); err == nil && (old == c.Hash || slices.Contains(c.Parents, old)) {
		return true, nil // nearly always, and it takes no process
	}
	_, err := r.run(ctx, q, "merge-base", "--is-ancestor", string(old), string(new))
	var exit *exitError
	if errors.As(err, &exit) && exit.status == 1 {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("compare %s with %s in %q: %w", old.Short(), new.Short(), r.name, err)
	}
	return true, nil
}

// run runs a git command on this repository, with access to quarantined objects.
func (r *Repository) run(ctx context.Context, q Quarantine, args ...string) ([]byte, error) {
	env, err := r.quarantineEnv(q)
	if err != nil {
		return nil, err
	}
	return r.opts.run(ctx, runRequest{
		args: args,
		dir:  r.dir,
		env:  append(append(identityEnv("pushboat"), "GIT_DIR="+r.dir), env...),
	})
}

// recovered turns a panic of go-git into an error: malformed objects and indexes have
// caused panics before (GHSA-w5pp-99ch-qj29, CVE-2026-25934).
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("malformed repository data: %v", p)
	}
}
