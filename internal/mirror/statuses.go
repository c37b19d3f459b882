package mirror

import (
	"context"
	"reflect"
	"time"

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
		look := time.NewTimer(statusLook)
		select {
		case <-news:
		case <-look.C:
		case <-ctx.Done():
		}
		look.Reset(statusGather)
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// meet forgets what another forge was told, whose comments are not by the same ids here, and why a
// forge could not be told what it is not told any more.
func (k *Keeper) meet(m *rules.Mirror) {
	at := ""
	if m.Tells() {
		at = forgeRoot(m)
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
	posted := map[string]string{}
	var failed error
	for _, status := range desired(k.config.Apps(m.Repo), s, k.config.Page) {
		key := status.key()
		if status.state != "" && s.Posted[key] != string(status.state) && failed == nil && ctx.Err() == nil {
			if failed = k.post(ctx, m, status); failed == nil {
				posted[key] = string(status.state)
				continue
			}
		}
		if was, ok := s.Posted[key]; ok {
			posted[key] = was
		}
	}
	if ctx.Err() != nil {
		failed = nil // it is told by the next server
	}
	k.noteForge(m.Repo, posted, failed, retries)
}

// noteForge keeps what a forge was told, and why it could not be told more.
func (k *Keeper) noteForge(repo name.Repo, posted map[string]string, failed error, retries map[name.Repo]retry) {
	if len(posted) == 0 {
		posted = nil
	}
	k.change(repo, func(s *State) {
		s.Posted = posted
		switch {
		case failed == nil:
			s.Untold = nil
		case s.Untold == nil:
			s.Untold = &Trouble{Since: time.Now().UTC(), Error: failed.Error()}
			k.config.Log.WithField("repository", repo).Warnf("mirror: statuses of commits cannot be told: %v", failed)
		default:
			s.Untold = &Trouble{Since: s.Untold.Since, Error: failed.Error()}
		}
	})
	noteRetry(repo, failed, retries)
}

// noteRetry notes when what failed is tried again.
func noteRetry(repo name.Repo, failed error, retries map[name.Repo]retry) {
	if failed == nil {
		delete(retries, repo)
		return
	}
	wait := min(max(2*retries[repo].wait, leastRetry), mostRetry)
	retries[repo] = retry{at: time.Now().Add(wait), wait: wait}
}
