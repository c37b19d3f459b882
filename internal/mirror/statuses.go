package mirror

import (
	"context"
	"reflect"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// What a forge shows of a commit follows from how its apps are now, and from what was told
// last: nothing is told twice, and what could not be told is told later.

// When statuses are told.
const (
	statusGather = time.Second // after the first sign of news
	statusLook   = 30 * time.Second
	leastRetry   = time.Minute
	mostRetry    = time.Hour
)

// gateContext is the status of a commit that the gate has refused.
const gateContext = "pushboat"

// desired are the statuses that a forge should show: of each app at the commit that it should
// run, and of each commit that the gate refuses.
func desired(apps []deploy.Status, s State, page func(kind, id string) string) []commitStatus {
	var list []commitStatus
	refused := map[git.Hash]bool{}
	for branch, r := range s.Refused {
		if _, tag := name.TagOf(string(branch)); tag {
			continue // its commit may be that of a branch, which does well
		}
		refused[r.Revision] = true
		status := commitStatus{commit: r.Revision, context: gateContext, state: failure, text: "refused for branch " + string(branch) + ": " + r.Reason}
		if r.Refusal != "" {
			status.page = page("refusal", r.Refusal)
		}
		list = append(list, status)
	}
	for i := range apps {
		a := &apps[i]
		if a.Revision == "" {
			continue
		}
		commit := git.Hash(a.Revision)
		status := commitStatus{commit: commit, context: gateContext + "/" + string(a.App), page: page("app", string(a.App))}
		status.state, status.text = stateOf(a)
		if told := commitState(s.Posted[status.key()]); a.Outage != nil || told == success && status.state == pending && a.Running == "" {
			status.state = told // a cluster that is away, or a pod that is replaced, says nothing of the commit
		}
		list = append(list, status)
		accepted := commitStatus{commit: commit, context: gateContext, state: success, text: "accepted by the gate"}
		if _, told := s.Posted[accepted.key()]; told && !refused[commit] { // it was refused once
			refused[commit] = true // and one for all apps is enough
			list = append(list, accepted)
		}
	}
	return list
}

// stateOf is how an app does at its commit. It is no success while anything goes on.
func stateOf(s *deploy.Status) (commitState, string) {
	last := s.Last
	here := last != nil && last.Revision == s.Revision
	switch {
	case s.Running != "":
		return pending, "deploying as " + s.Running
	case s.Suspension != nil || s.Forbidden != "" || s.Unselected != "" || s.Unrendered != "":
		return pending, "held; see the app's status"
	case here && (last.Result == record.Failed || last.Result == record.Unhealthy):
		return failure, last.ID() + " is " + string(last.Result)
	case s.Sync == deploy.InSync && (s.Health == "healthy" || s.Health == "-"):
		return success, "deployed, " + wordOf(s.Health)
	case s.Health == "failing":
		return failure, "an object is failing"
	}
	return pending, string(s.Sync) + ", " + wordOf(s.Health)
}

func wordOf(health string) string {
	if health == "-" {
		return "with nothing to be healthy"
	}
	return health
}

// retry is when a forge is told again that could not be told.
type retry struct {
	at   time.Time
	wait time.Duration
}

// tellForges tells forges of commits until ctx ends.
func (k *Keeper) tellForges(ctx context.Context) {
	news, stop := k.config.News()
	defer stop()
	statuses, comments := map[name.Repo]retry{}, map[name.Repo]retry{}
	known := map[name.Repo]*rules.Mirror{}
	for {
		for _, m := range k.config.Rules().Mirrors() {
			if was := known[m.Repo]; was == nil || !reflect.DeepEqual(was, m) { // what failed may be mended
				delete(statuses, m.Repo)
				delete(comments, m.Repo)
				known[m.Repo] = m
				k.meet(m)
			}
			if m.Tells() && !time.Now().Before(statuses[m.Repo].at) {
				k.tellForge(ctx, m, statuses)
			}
			if m.Comments != "" && !time.Now().Before(comments[m.Repo].at) {
				k.comment(ctx, m, comments)
			}
		}
		if !awaitNews(ctx, news) {
			return
		}
	}
}

// awaitNews returns when there may be something to tell, or false when ctx has ended.
func awaitNews(ctx context.Context, news <-chan struct{}) bool {
	look := time.NewTimer(statusLook)
	select {
	case <-news:
	case <-look.C:
	case <-ctx.Done():
	}
	look.Reset(statusGather)
	select {
	case <-look.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// meet forgets what another forge was told, whose comments are not by the same ids here, and why a
// forge could not be told what it is not told any more.
func (k *Keeper) meet(m *rules.Mirror) {
	at := ""
	if m.Tells() {
		at = forgeRoot(&m.Far)
	}
	if s, ok := k.State(m.Repo); !ok || s.ToldAt == at && (at != "" || s.Untold == nil) && (m.Comments != "" || s.Uncommented == nil) {
		return
	}
	k.change(m.Repo, func(s *State) {
		if s.ToldAt != at && s.ToldAt != "" {
			s.Posted, s.Commented, s.Untold, s.Uncommented = nil, nil, nil, nil
		}
		s.ToldAt = at
		if at == "" {
			s.Untold = nil
		}
		if m.Comments == "" {
			s.Uncommented = nil
		}
	})
}

// tellForge tells one forge what it was not told yet.
func (k *Keeper) tellForge(ctx context.Context, m *rules.Mirror, retries map[name.Repo]retry) {
	s, ok := k.State(m.Repo)
	if !ok {
		return
	}
	posted, failed := k.tell(ctx, &m.Far, desired(k.config.Apps(m.Repo), s, k.config.Page), s.Posted)
	k.change(m.Repo, func(s *State) {
		s.Posted, s.Untold = posted, untold(k.config.Log.WithField("repository", m.Repo), "mirror", s.Untold, failed)
	})
	noteRetry(m.Repo, failed, retries)
}

// tell tells a forge of statuses as far as it was told others, and returns what it has been told
// then: states by the keys of their statuses.
func (k *Keeper) tell(ctx context.Context, far *rules.Far, list []commitStatus, told map[string]string) (posted map[string]string, failed error) {
	for _, status := range list {
		key := status.key()
		is, known := told[key]
		if status.state != "" && is != string(status.state) && failed == nil && ctx.Err() == nil {
			if failed = k.post(ctx, far, status); failed == nil {
				is, known = string(status.state), true
			}
		}
		if !known {
			continue
		}
		if posted == nil {
			posted = map[string]string{}
		}
		posted[key] = is
	}
	if ctx.Err() != nil {
		failed = nil // it is told by the next server
	}
	return posted, failed
}

// untold is why a forge could not be told, after a try that has failed or not.
func untold(log *logrus.Entry, whose string, was *Trouble, failed error) *Trouble {
	if failed == nil {
		return nil
	}
	if was == nil {
		log.Warnf("%s: statuses of commits cannot be told: %v", whose, failed)
	}
	return troubleOf(failed, "the forge", was, time.Now().UTC())
}

// noteRetry notes when what failed is tried again.
func noteRetry[K comparable](of K, failed error, retries map[K]retry) {
	if failed == nil {
		delete(retries, of)
		return
	}
	wait := min(max(2*retries[of].wait, leastRetry), mostRetry)
	retries[of] = retry{at: time.Now().Add(wait), wait: wait}
}
