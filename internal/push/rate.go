package push

import (
	"fmt"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// rates counts the pushes to each repository whose grant has a rate. A restart begins anew.
type rates struct {
	mu sync.Mutex
	of map[name.Repo]*grant.Rated // of those that somebody with the right to push has pushed to
}

// take counts a push, if the rate lets it pass; otherwise it says how long to wait.
func (r *rates) take(repo name.Repo, rate grant.Rate, now time.Time) (wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rate.Pushes == 0 {
		delete(r.of, repo)
		return 0
	}
	if r.of == nil {
		r.of = map[name.Repo]*grant.Rated{}
	}
	if r.of[repo] == nil {
		r.of[repo] = &grant.Rated{}
	}
	return r.of[repo].Take(rate, now)
}

// checkRate refuses a push beyond the rate of the repository's grant, before Git reads
// anything of it. The rules themselves can always be pushed.
func (d *Door) checkRate(caller access.Caller, repo name.Repo) error {
	if repo == access.AdminRepo {
		return nil
	}
	rate := d.Grants(repo).Rate
	wait := d.rates.take(repo, rate, time.Now())
	if wait == 0 {
		return nil
	}
	d.Log.WithField("repository", string(repo)).WithField("operator", caller.Operator).Infof("push: refused: beyond %s", rate)
	e := audit.Of(audit.Verb, caller)
	e.Verb, e.Repository, e.Decision = string(git.ReceivePack), string(repo), audit.Refused
	e.Reason = fmt.Sprintf("its grant gives the repository at most %s", rate)
	d.Trail.NoteLimited(e.Operator, e)
	return report.WithHint(fmt.Errorf("repository %s takes at most %s; nothing was changed", repo, rate),
		"push again in %s", wait.Truncate(time.Second)+time.Second)
}
