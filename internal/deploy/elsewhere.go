package deploy

import (
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"sync"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/mount"
	"github.com/pushboat/pushboat/internal/name"
)

// Elsewhere returns the repository of this server that an address means, if another repository
// may be rendered from it; "" if there is none.
type Elsewhere func(user name.Repo, address string) name.Repo

// maxMounts bounds the places of repositories that one revision reads.
const maxMounts = 100

// joined is a revision with folders of other repositories: those that its objects name, and
// that its repository may use. It implements meaning.Mounter.
type joined struct {
	*mount.Tree // below appfile.Others
	engine      *Engine
	user        name.Repo
	caller      access.Caller
	moving      Moving // by the push that brings the revision

	mu     sync.Mutex
	places map[string]followed // what is mounted, by the element and by what it was named
}

// joinedTree is a revision of a repository as a caller reads it, or the server itself.
func (e *Engine) joinedTree(tree fs.FS, user name.Repo, caller access.Caller) fs.FS {
	if _, is := tree.(*joined); is || e.Elsewhere == nil || tree == nil {
		return tree
	}
	return &joined{Tree: mount.On(tree, appfile.Others), engine: e, user: user, caller: caller, places: map[string]followed{}}
}

// Mount implements meaning.Mounter. A caller has to be allowed to read the other repository,
// and the admins have to have said that this one may use it, for the server itself deploys from
// it later.
func (j *joined) Mount(address string, at meaning.At) (folder, taken string, err error) {
	repo, called := j.user, "this repository"
	if address != "" {
		repo = j.engine.Elsewhere(j.user, address)
		if repo == "" || !j.caller.System && j.engine.Sees != nil && !j.engine.Sees(j.caller, repo) {
			return "", "", meaning.ErrUnknown
		}
		called = fmt.Sprintf("repository %s here", repo)
	}
	now, err := spotOf(j.engine.ctx, j.source(), repo, at)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("repository %s: %w", repo, err)
	case now.revision == "":
		return "", "", &meaning.MissingError{Repo: repo, At: at}
	}
	element, where := now.element(repo)
	folder, taken = path.Join(appfile.Others, element), fmt.Sprintf("%s, at %s", called, where)
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.Has(element) {
		if err := j.mount(element, repo, now); err != nil {
			return "", "", err
		}
	}
	j.places[element+" "+at.String()] = followed{repo: repo, at: at, folder: folder, spot: now}
	return folder, taken, nil
}

// element names the folder of a spot of a repository, below appfile.Others, and where says in
// words what it is. No name of a branch or a repository has a tilde.
func (s spot) element(repo name.Repo) (element, where string) {
	switch {
	case s.branch != "":
		return url.PathEscape(string(repo)) + "@" + url.PathEscape(string(s.branch)), string(s.branch)
	case s.tag != "":
		return url.PathEscape(string(repo)) + "~" + url.PathEscape(string(s.tag)), fmt.Sprintf("tag %s, %s", s.tag, s.revision.Short())
	}
	return url.PathEscape(string(repo)) + "@" + string(s.revision), string(s.revision)
}

// mount reads a revision of another repository. j.mu is held.
func (j *joined) mount(element string, repo name.Repo, now spot) error {
	if j.Len() >= maxMounts {
		return fmt.Errorf("more than %d other repositories, or places of them, are named", maxMounts)
	}
	if err := j.vouched(repo, now); err != nil {
		return fmt.Errorf("repository %s: %w", repo, err)
	}
	tree, err := j.source().Tree(repo, now.revision)
	if err != nil {
		return fmt.Errorf("repository %s: %w", repo, err)
	}
	j.Put(element, tree)
	return nil
}

// follows are the places of other repositories that the apps of a revision are rendered from.
func follows(tree fs.FS) []followed {
	j, ok := tree.(*joined)
	if !ok {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []followed
	for _, place := range slices.Sorted(maps.Keys(j.places)) {
		all = append(all, j.places[place])
	}
	return all
}

var _ meaning.Mounter = (*joined)(nil)
