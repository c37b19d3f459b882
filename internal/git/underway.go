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
	left  bool          // one of them may have left its quarantine
	sweep chan struct{} // closed at the end of the running sweep; nil while none runs
}

// clockSlack is more than a file system's clock lags behind.
const clockSlack = time.Second

// lock takes the lock while no sweep of the repository runs.
func (u *underway) lock(repo name.Repo) {
	for {
		u.mu.Lock()
		all := u.repos[repo]
		if all == nil || all.sweep == nil {
			return
		}
		sweep := all.sweep
		u.mu.Unlock()
		<-sweep
	}
}

// begin counts a push that is about to start. It waits for a running sweep of the repository.
func (u *underway) begin(repo name.Repo, push *serving) {
	u.lock(repo)
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
// with the time before which nothing belongs to a running push. No push to the repository
// begins or ends during the sweep.
func (u *underway) end(repo name.Repo, push *serving, killed bool, sweep func(before time.Time)) {
	before, due := u.leave(repo, push, killed)
	if due {
		defer u.swept(repo)
		sweep(before)
	}
}

// leave removes a push from the account, and reports whether the caller has to sweep the
// repository of everything older than before, and then to call swept.
func (u *underway) leave(repo name.Repo, push *serving, killed bool) (before time.Time, due bool) {
	u.lock(repo)
	defer u.mu.Unlock()
	all := u.repos[repo]
	delete(all.begun, push)
	if all.left = all.left || killed; all.left {
		all.sweep = make(chan struct{})
		return all.before(time.Now()), true
	}
	u.forgetIdle(repo)
	return time.Time{}, false
}

// swept ends a sweep: pushes that wait for it continue.
func (u *underway) swept(repo name.Repo) {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := u.repos[repo]
	close(all.sweep)
	all.sweep = nil
	u.forgetIdle(repo)
}

// forgetIdle drops a repository without a push; u.mu is held.
func (u *underway) forgetIdle(repo name.Repo) {
	if len(u.repos[repo].begun) == 0 {
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
