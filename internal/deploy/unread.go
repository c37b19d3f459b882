package deploy

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// A branch that cannot be rendered when its repository is read is not deployed. What
// it needs may be away: its cluster, which charts ask and values are taken from, or a
// registry of charts. So it is tried again, when a cluster answers for the first time,
// and from time to time.

// unreadBranch is a branch that could not be rendered.
type unreadBranch struct {
	repo   name.Repo
	branch name.Branch
}

func (e *Engine) noteUnread(repo name.Repo, branch name.Branch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.unread[unreadBranch{repo, branch}] = true
}

// forgetUnread is for a repository that is being read, or was deleted.
func (e *Engine) forgetUnread(repo name.Repo) {
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.DeleteFunc(e.unread, func(b unreadBranch, _ bool) bool { return b.repo == repo })
}

// unreadBranches lists the branches that could not be rendered, by repository.
func (e *Engine) unreadBranches() []unreadBranch {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.SortedFunc(maps.Keys(e.unread), func(a, b unreadBranch) int {
		return cmp.Or(cmp.Compare(a.repo, b.repo), cmp.Compare(a.branch, b.branch))
	})
}

// readAgain reads the repositories that could not be read in full: a cluster answers.
func (e *Engine) readAgain() {
	repos := map[name.Repo]bool{}
	for _, b := range e.unreadBranches() {
		repos[b.repo] = true
	}
	for _, repo := range slices.Sorted(maps.Keys(repos)) {
		e.readRepository(repo)
	}
}

func (e *Engine) readRepository(repo name.Repo) {
	if err := e.arrive(e.ctx, repo, record.CauseStart); err != nil {
		e.Log.WithField("repository", repo).Warnf("read it again: %v", err)
	}
}

// retryUnread tries the branches that could not be rendered until the engine stops:
// after retryFirst, then ever more slowly up to retryMost.
func (e *Engine) retryUnread() {
	delay := retryFirst
	for {
		select {
		case <-time.After(delay):
		case <-e.ctx.Done():
			return
		}
		unread := e.unreadBranches()
		delay = min(2*delay, retryMost)
		if len(unread) == 0 {
			delay = retryFirst
		}
		for _, b := range unread {
			if e.readable(b) {
				e.Log.WithField("repository", b.repo).WithField("branch", b.branch).Info("it renders now: deploying it")
				e.readRepository(b.repo)
			}
		}
	}
}

// readable reports whether a branch renders now. A branch that a push is about to move
// is left to the push.
func (e *Engine) readable(b unreadBranch) bool {
	head, err := e.Source.Head(e.ctx, b.repo, b.branch)
	if err != nil || head == "" {
		return false
	}
	_, _, problems := e.readBranch(reading{repo: b.repo, revision: head}, b.branch)
	return len(problems) == 0 && !e.reservations.expect(b.repo, b.branch)
}
