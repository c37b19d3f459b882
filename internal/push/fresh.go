package push

import (
	"context"
	"sync"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// fresh tracks repositories that pushes have created, so that a refused push leaves no
// empty one behind.
type fresh struct {
	mu     sync.Mutex
	pushes map[name.Repo]int  // running pushes
	made   map[name.Repo]bool // by a push that has not ended
}

// begin counts a push, and notes whether it created the repository.
func (f *fresh) begin(repo name.Repo, made bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pushes == nil {
		f.pushes, f.made = map[name.Repo]int{}, map[name.Repo]bool{}
	}
	f.pushes[repo]++
	f.made[repo] = f.made[repo] || made
}

// end ends a push. After the last push of a repository that a push has created, it
// calls remove, while no other push can begin.
func (f *fresh) end(repo name.Repo, remove func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pushes[repo]--; f.pushes[repo] > 0 {
		return
	}
	if f.made[repo] {
		remove()
	}
	delete(f.pushes, repo)
	delete(f.made, repo)
}

// removeEmpty deletes a repository if it has no ref.
func (d *Door) removeEmpty(ctx context.Context, repo *git.Repository) {
	refs, err := repo.Refs(ctx, "")
	if err != nil || len(refs) > 0 {
		return
	}
	if err := d.Repos.Delete(ctx, repo.Name()); err != nil {
		d.Log.WithField("repository", string(repo.Name())).Warnf("remove it after a refused first push: %v", err)
	}
}
