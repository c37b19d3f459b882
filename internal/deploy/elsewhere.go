package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/name"
)

// Elsewhere returns the repository of this server that an address means, if another repository
// may be rendered from it; "" if there is none.
type Elsewhere func(user name.Repo, address string) name.Repo

// maxMounts bounds the other repositories that one revision reads.
const maxMounts = 20

// followed is a branch of another repository, and its revision.
type followed struct {
	repo     name.Repo
	branch   name.Branch
	revision name.Revision
}

// joined is a revision with folders of other repositories: those that its objects name, and
// that its repository may use. It implements meaning.Mounter.
type joined struct {
	fs.FS
	engine *Engine
	user   name.Repo
	caller access.Caller

	mu       sync.Mutex
	mounts   map[string]fs.FS    // by the first element below appfile.Others
	branches map[string]followed // of these, those that are at a branch
}

// joinedTree is a revision of a repository as a caller reads it, or the server itself.
func (e *Engine) joinedTree(tree fs.FS, user name.Repo, caller access.Caller) fs.FS {
	if _, is := tree.(*joined); is || e.Elsewhere == nil || tree == nil {
		return tree
	}
	return &joined{FS: tree, engine: e, user: user, caller: caller, mounts: map[string]fs.FS{}, branches: map[string]followed{}}
}

// Mount implements meaning.Mounter. A caller has to be allowed to read the other repository,
// and the admins have to have said that this one may use it, for the server itself deploys from
// it later.
func (j *joined) Mount(address string, branch name.Branch, commit name.Revision) (folder, taken string, err error) {
	repo := j.engine.Elsewhere(j.user, address)
	if repo == "" || !j.caller.System && j.engine.Sees != nil && !j.engine.Sees(j.caller, repo) {
		return "", "", meaning.ErrUnknown
	}
	if branch == "" && commit == "" {
		if branch, err = j.engine.Source.Main(repo); err != nil {
			return "", "", fmt.Errorf("repository %s: %w", repo, err)
		}
	}
	at := string(commit)
	if commit == "" {
		at = string(branch)
	}
	element := url.PathEscape(string(repo)) + "@" + url.PathEscape(at)
	taken = fmt.Sprintf("repository %s here, at %s", repo, at)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.mounts[element] != nil {
		return path.Join(appfile.Others, element), taken, nil
	}
	if len(j.mounts) >= maxMounts {
		return "", "", fmt.Errorf("more than %d other repositories are named", maxMounts)
	}
	revision := commit
	if commit == "" {
		if revision, err = j.engine.Source.Head(j.engine.ctx, repo, branch); err == nil && revision == "" {
			err = fmt.Errorf("it has no branch %s here", branch)
		}
	}
	var tree fs.FS
	if err == nil {
		tree, err = j.engine.Source.Tree(repo, revision)
	}
	if err != nil {
		return "", "", fmt.Errorf("repository %s: %w", repo, err)
	}
	j.mounts[element] = tree
	if commit == "" {
		j.branches[element] = followed{repo, branch, revision}
	}
	return path.Join(appfile.Others, element), taken, nil
}

// at is the tree in which a path is, and the path there.
func (j *joined) at(file string) (tree fs.FS, inside, mount string) {
	rest, other := strings.CutPrefix(file, appfile.Others+"/")
	if !other {
		return j.FS, file, ""
	}
	element, inside, deeper := strings.Cut(rest, "/")
	if !deeper {
		inside = "."
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if tree = j.mounts[element]; tree == nil {
		return j.FS, file, ""
	}
	return tree, inside, path.Join(appfile.Others, element)
}

// as gives an error the path that was asked for.
func as(err error, file string) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: of.Op, Path: file, Err: of.Err}
	}
	return err
}

// Open implements fs.FS.
func (j *joined) Open(file string) (fs.File, error) {
	tree, inside, _ := j.at(file)
	opened, err := tree.Open(inside)
	return opened, as(err, file)
}

// ReadFile implements fs.ReadFileFS.
func (j *joined) ReadFile(file string) ([]byte, error) {
	tree, inside, _ := j.at(file)
	text, err := fs.ReadFile(tree, inside)
	return text, as(err, file)
}

// ReadDir implements fs.ReadDirFS.
func (j *joined) ReadDir(file string) ([]fs.DirEntry, error) {
	tree, inside, _ := j.at(file)
	entries, err := fs.ReadDir(tree, inside)
	return entries, as(err, file)
}

// Stat implements fs.StatFS.
func (j *joined) Stat(file string) (fs.FileInfo, error) {
	tree, inside, _ := j.at(file)
	info, err := fs.Stat(tree, inside)
	return info, as(err, file)
}

// Through returns the links on the way of a path, as the tree of a revision does.
func (j *joined) Through(file string) []string {
	tree, inside, mount := j.at(file)
	links, ok := tree.(interface{ Through(string) []string })
	if !ok {
		return nil
	}
	way := links.Through(inside)
	for i := range way {
		way[i] = path.Join(mount, way[i])
	}
	return way
}

// follows are the branches of other repositories that the apps of a revision are rendered from.
func follows(tree fs.FS) []followed {
	j, ok := tree.(*joined)
	if !ok {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []followed
	for _, element := range slices.Sorted(maps.Keys(j.branches)) {
		all = append(all, j.branches[element])
	}
	return all
}

// othersMoved reports whether a branch of another repository, of which the target is rendered,
// has moved.
func (t *target) othersMoved(ctx context.Context, source Source) (bool, error) {
	for _, f := range t.others {
		head, err := source.Head(ctx, f.repo, f.branch)
		if err != nil {
			return false, fmt.Errorf("repository %s: %w", f.repo, err)
		}
		if head != f.revision {
			return true, nil
		}
	}
	return false, nil
}

var _ meaning.Mounter = (*joined)(nil)
