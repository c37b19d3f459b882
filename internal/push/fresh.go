package push

import (
	"context"
	"sync"

	"github.com/pushboat/pushboat/internal/git"
)

// fresh keeps account of repositories that pushes have made, so that a push
// which is refused leaves no empty one behind.
type fresh struct {
	mu     sync.Mutex
	pushes map[git.Name]int  // that are under way
	made   map[git.Name]bool // by a push that has not ended
}

// enter counts a push, and notes if it made the repository.
func (f *fresh) enter(name git.Name, made bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pushes == nil {
		f.pushes, f.made = map[git.Name]int{}, map[git.Name]bool{}
	}
	f.pushes[name]++
	f.made[name] = f.made[name] || made
}

// leave ends a push. After the last one of a repository that a push has made,
// remove is called, while no other push can begin.
func (f *fresh) leave(name git.Name, remove func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pushes[name]--; f.pushes[name] > 0 {
		return
	}
	if f.made[name] {
		remove()
	}
	delete(f.pushes, name)
	delete(f.made, name)
}

// removeEmpty deletes a repository if it has no ref.
func (d *Door) removeEmpty(ctx context.Context, repo *git.Repository) {
	refs, err := repo.Refs(ctx, "")
	if err != nil || len(refs) > 0 {
		return
	}
	if err := d.Repos.Delete(ctx, repo.Name()); err != nil {
		d.Log.WithField("repository", repo.Name().String()).Warnf("remove it after a refused first push: %v", err)
	}
}
