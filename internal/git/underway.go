package git

import (
	"path/filepath"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/name"
)

// underway tracks the pushes that Git serves, so that the remains of a stopped one are
// removed. A Git that a signal ends does not remove its quarantine (since 2.39), and a
// quarantine's name does not say which push it belongs to.
type underway struct {
	mu    sync.Mutex
	repos map[name.Repo]*pushes
}

// pushes are those of one repository.
type pushes struct {
	begun map[*serving]time.Time
	left  bool // one of them may have left its quarantine
}

// clockSlack is more than a file system's clock lags behind.
const clockSlack = time.Second

// begin counts a push that is about to start. It waits while the repository is swept.
func (u *underway) begin(repo name.Repo, push *serving) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.repos == nil {
		u.repos = map[name.Repo]*pushes{}
	}
	if u.repos[repo] == nil {
		u.repos[repo] = &pushes{begun: map[*serving]time.Time{}}
	}
	u.repos[repo].begun[push] = time.Now()
}

// end ends the account of a push. If it, or one before it, was killed, sweep is called
// with the time before which nothing belongs to a running push.
func (u *underway) end(repo name.Repo, push *serving, killed bool, sweep func(before time.Time)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := u.repos[repo]
	delete(all.begun, push)
	all.left = all.left || killed
	if all.left {
		sweep(all.before(time.Now()))
	}
	if len(all.begun) == 0 {
		delete(u.repos, repo)
	}
}

// before returns the time at which the oldest push began, minus slack; without pushes,
// nothing in the repository belongs to one.
func (p *pushes) before(now time.Time) time.Time {
	if len(p.begun) == 0 {
		return now.Add(clockSlack)
	}
	oldest := now
	for _, begun := range p.begun {
		if begun.Before(oldest) {
			oldest = begun
		}
	}
	return oldest.Add(-clockSlack)
}

// sweepPush removes the quarantines of a repository that are older than a time.
func (s *Store) sweepPush(repo name.Repo, before time.Time) {
	if err := s.sweepDir(filepath.Join(dirOf(repo), "objects"), before, isQuarantine); err != nil {
		s.opts.Log.WithError(err).WithField("repository", repo).Warn("a stopped push left files behind; they go at the next start")
	}
}
