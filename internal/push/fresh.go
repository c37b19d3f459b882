package push

import (
	"context"
	"sync"

	"github.com/pushboat/pushboat/internal/name"
)

// fresh tracks repositories that pushes have created, so that a refused push leaves no
// empty one behind.
type fresh struct {
	mu    sync.Mutex
	repos map[name.Repo]*visited
}

// visited is a repository with running pushes.
type visited struct {
	pushes  int
	made    bool          // by one of them, or by one before them
	removal chan struct{} // closed at the end of the running removal; nil while none runs
}

// lock takes the lock while no removal of the repository runs.
func (f *fresh) lock(repo name.Repo) {
	for {
		f.mu.Lock()
		visited := f.repos[repo]
		if visited == nil || visited.removal == nil {
			return
		}
		removal := visited.removal
		f.mu.Unlock()
		<-removal
	}
}

// begin counts a push that is about to open its repository. It waits for a running removal
// of the repository.
func (f *fresh) begin(repo name.Repo) {
	f.lock(repo)
	defer f.mu.Unlock()
	if f.repos == nil {
		f.repos = map[name.Repo]*visited{}
	}
	if f.repos[repo] == nil {
		f.repos[repo] = &visited{}
	}
	f.repos[repo].pushes++
}

// made notes that a running push has created its repository.
func (f *fresh) made(repo name.Repo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.repos[repo].made = true
}

// end ends a push. After the last push of a repository that a push has created, it calls
// remove. No push to the repository begins during the removal.
func (f *fresh) end(repo name.Repo, remove func()) {
	if f.leave(repo) {
		defer f.removed(repo)
		remove()
	}
}

// leave removes a push from the account, and reports whether the caller has to remove the
// repository if it is empty, and then to call removed.
func (f *fresh) leave(repo name.Repo) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	visited := f.repos[repo]
	visited.pushes--
	switch {
	case visited.pushes > 0:
		return false
	case visited.made:
		visited.removal = make(chan struct{})
		return true
	}
	delete(f.repos, repo)
	return false
}

// removed ends a removal: pushes that wait for it begin.
func (f *fresh) removed(repo name.Repo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.repos[repo].removal)
	delete(f.repos, repo)
}

// endFresh ends a push, and removes its repository if pushes have created it and left it
// empty.
func (d *Door) endFresh(ctx context.Context, repo name.Repo) {
	d.fresh.end(repo, func() { d.removeEmpty(context.WithoutCancel(ctx), repo) })
}

// removeEmpty deletes a repository if it has no ref.
func (d *Door) removeEmpty(ctx context.Context, repo name.Repo) {
	repository, err := d.Repos.Open(repo)
	if err != nil {
		return // somebody else has deleted it
	}
	if refs, err := repository.Refs(ctx, ""); err != nil || len(refs) > 0 {
		return
	}
	if err := d.Repos.Delete(ctx, repo); err != nil {
		d.Log.WithField("repository", string(repo)).Warnf("remove it after a refused first push: %v", err)
	}
}
