package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

const waitHelp = "REV is anything that Git takes: a branch, a tag, a commit, main~1; the default\n" +
	"is the app's branch. Shows the running deploy, and ends with the status 0 once\n" +
	"the revision, or a newer one that contains it, is deployed and everything is\n" +
	"healthy. Others: 1 it failed, or something else did; 3 superseded: the branch\n" +
	"was there, and does not contain it any more; 4 --timeout is over; 5 unknown: no\n" +
	"such app or revision, or not on the app's branch. -o json prints what became of\n" +
	"it, and no progress. Example: wait shop main --timeout 5m"

// waitLook is the interval between looks at the health, for changes without an event.
const waitLook = time.Second

// The exit statuses of wait, beside those of every verb. Pipelines rely on them.
const (
	exitSuperseded = 3
	exitTimedOut   = 4
	exitNotThere   = 5
)

func waitFlags(f *pflag.FlagSet) {
	f.Duration("timeout", 10*time.Minute, "how long to wait at most")
	output(f)
}

// waitOutcome is how a wait has ended, in a word for programs.
type waitOutcome string

// The outcomes.
const (
	waitDeployed   waitOutcome = "deployed"
	waitFailed     waitOutcome = "failed"
	waitSuperseded waitOutcome = "superseded"
	waitTimedOut   waitOutcome = "timedOut"
	waitUnknown    waitOutcome = "unknown"
)

// waitStatuses are the exit statuses of outcomes.
var waitStatuses = map[waitOutcome]int{
	waitDeployed: exitOK, waitFailed: exitFailed, waitSuperseded: exitSuperseded, waitTimedOut: exitTimedOut, waitUnknown: exitNotThere,
}

// waitEnd is an error that says how a wait has ended.
type waitEnd struct {
	outcome waitOutcome
	err     error
}

// Error implements error.
func (e *waitEnd) Error() string { return e.err.Error() }

// Unwrap returns the error without its outcome.
func (e *waitEnd) Unwrap() error { return e.err }

// waitResult is what wait prints as JSON.
type waitResult struct {
	App      string        `json:"app"`
	Outcome  waitOutcome   `json:"outcome"`            // deployed, failed, superseded, timedOut, unknown
	Wanted   git.Hash      `json:"wanted,omitempty"`   // "": it is not known
	Revision name.Revision `json:"revision,omitempty"` // that the app should run now
	Deploy   string        `json:"deploy,omitempty"`   // the newest
	Sync     deploy.Sync   `json:"sync,omitempty"`
	Health   string        `json:"health,omitempty"`
	Message  string        `json:"message,omitempty"` // why it is not deployed
}

// wait waits until a revision of an app is deployed and healthy.
func wait(ctx context.Context, c *call) error {
	timeout, err := c.flags.GetDuration("timeout")
	if err != nil || timeout <= 0 {
		return usageError{"--timeout wants a duration such as 5m"}
	}
	asJSON, err := c.asJSON()
	if err != nil {
		return err
	}
	app, wanted, err := c.waitOn(ctx, timeout, asJSON)
	outcome := outcomeOf(err)
	if asJSON {
		if err := c.print(c.waitResult(app, wanted, outcome, err), nil); err != nil {
			return err
		}
	}
	if err == nil || waitStatuses[outcome] == exitFailed {
		return err
	}
	return &statusError{err, waitStatuses[outcome]}
}

// outcomeOf is how a wait has ended.
func outcomeOf(err error) waitOutcome {
	end, ok := errors.AsType[*waitEnd](err)
	switch {
	case err == nil:
		return waitDeployed
	case ok:
		return end.outcome
	case errors.Is(err, ErrNotFound):
		return waitUnknown
	}
	return waitFailed
}

// waitResult gathers how the app is in the end.
func (c *call) waitResult(app name.App, wanted git.Hash, outcome waitOutcome, err error) waitResult {
	r := waitResult{App: c.args[0], Outcome: outcome, Wanted: wanted}
	if err != nil {
		message, hint := spelling.Explain(err)
		r.Message = strings.TrimSuffix(message+"\n"+hint, "\n")
	}
	if app == "" { // it is not known, or not for the caller
		return r
	}
	if status, ok := c.Engine.Status(app); ok {
		r.Revision, r.Sync, r.Health = status.Revision, status.Sync, status.Health
		if status.Last != nil {
			r.Deploy = status.Last.ID()
		}
	}
	return r
}

// waitOn waits. app and wanted are "" where they are not known.
func (c *call) waitOn(ctx context.Context, timeout time.Duration, quiet bool) (app name.App, wanted git.Hash, err error) {
	status, err := c.app(c.args[0])
	if err != nil {
		return "", "", err
	}
	app = status.App
	revision := status.Branch.Ref()
	if len(c.args) == 2 {
		revision = c.args[1]
	}
	repo, wanted, err := c.waitFor(ctx, status, revision)
	if err != nil {
		return app, "", &waitEnd{waitUnknown, err}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errWaited)
	defer cancel()
	w := unheard()
	if !quiet {
		w = c.company(c.lines(), c.awaiting(app, wanted, time.Now(), timeout))
	}
	defer w.end()
	for {
		number, done, err := c.waited(ctx, w, repo, app, wanted)
		if done || err != nil {
			return app, wanted, err
		}
		_, more := c.Events.Since(number)
		select {
		case <-more:
		case <-time.After(waitLook):
		case <-c.Leaving:
			return app, wanted, report.WithHint(errors.New("the server is stopping"), "wait on with the same words: the next server answers")
		case <-ctx.Done():
			now, _ := c.Engine.Status(app)
			return app, wanted, &waitEnd{waitTimedOut, report.WithHint(fmt.Errorf("app %s at %s is still %s, %s after %s", app, wanted.Short(), now.Sync, now.Health, timeout),
				"status %s shows what it waits for", app)}
		}
	}
}

var errWaited = errors.New("the time to wait is over")

func (c *call) waitFor(ctx context.Context, status deploy.Status, revision string) (*git.Repository, git.Hash, error) {
	repo, err := c.Repos.Open(status.Repo)
	if err != nil {
		return nil, "", err
	}
	hash, err := resolve(ctx, repo, revision)
	return repo, hash, err
}

// awaiting says how the wait for a revision stands: as the app's deploy that goes on does, or as
// the app is.
func (c *call) awaiting(app name.App, wanted git.Hash, began time.Time, timeout time.Duration) func(now time.Time) string {
	return func(now time.Time) string {
		if run := c.Engine.Run(app, 0); run != nil {
			if text := run.Standing(now); text != "" {
				return text
			}
		}
		s, ok := c.Engine.Status(app)
		if !ok {
			return ""
		}
		took := now.Sub(began)
		return fmt.Sprintf("  %-10s  %s, %s left, for %s at %s: it is %s, %s", "waiting",
			manifest.Waited(took), manifest.Waited(max(timeout-took, 0)), app, wanted.Short(), s.Sync, s.Health)
	}
}

// waited looks at the app after the running deploy has ended.
func (c *call) waited(ctx context.Context, w *company, repo *git.Repository, app name.App, wanted git.Hash) (number uint64, done bool, err error) {
	if events, _ := c.Events.Since(0); len(events) > 0 {
		number = events[len(events)-1].Number
	}
	if run := c.Engine.Run(app, 0); run != nil {
		if _, ended := run.Outcome(); !ended {
			if _, err := run.Attach(ctx, w.tell); err != nil {
				return number, false, nil //nolint:nilerr // the caller has gone
			}
		}
	}
	if c.Engine.AwaitRest(ctx, app) != nil {
		return number, false, nil //nolint:nilerr // the time is over, or the caller has gone
	}
	status, ok := c.Engine.Status(app)
	if !ok {
		return number, false, &waitEnd{waitUnknown, fmt.Errorf("app %s is gone", app)}
	}
	contained := false
	if at := git.Hash(status.Revision); at != "" {
		if contained, err = repo.IsAncestor(ctx, wanted, at, git.Quarantine{}); err != nil {
			return number, false, err
		}
	}
	done, err = judgeWait(status, wanted, contained, func() bool { return c.wasDeployed(ctx, status, wanted) })
	if done {
		w.tell(fmt.Sprintf("%s: %s is deployed and healthy", app, status.Revision.Short()))
	}
	return number, done, err
}

// waitRecords is how many of an app's records are looked through for a revision.
const waitRecords = 100

// wasDeployed reports whether an app has a record of a revision. One that cannot be read is none.
func (c *call) wasDeployed(ctx context.Context, s deploy.Status, wanted git.Hash) bool {
	list, err := c.History.List(ctx, s.Repo, s.App, 0, waitRecords)
	return err == nil && slices.ContainsFunc(list, func(r record.Record) bool { return git.Hash(r.Revision) == wanted })
}

// judgeWait decides whether the revision is deployed, whether to keep waiting (false
// and nil), or that waiting is useless. contained says that the app's wanted revision
// is the revision or a newer one, and before that the app was deployed from it once.
func judgeWait(s deploy.Status, wanted git.Hash, contained bool, before func() bool) (done bool, err error) {
	switch {
	case s.Running != "", s.Sync == deploy.Waits:
		return false, nil
	case s.Suspension != nil && s.Sync != deploy.InSync, s.Sync == deploy.Held, s.Sync == deploy.Gone:
		return false, verdictOn(s)
	case !contained && before():
		return false, &waitEnd{waitSuperseded, report.WithHint(fmt.Errorf("%s was deployed, and branch %s, now at %s, does not contain it any more", wanted.Short(), s.Branch, s.Revision.Short()),
			"see what took its place: ssh HOST history %s", s.App)}
	case !contained:
		return false, &waitEnd{waitUnknown, report.WithHint(fmt.Errorf("%s is not on branch %s, which app %s is deployed from", wanted.Short(), s.Branch, s.App),
			"push it, or name another revision")}
	case s.Sync == deploy.NotSynced, s.Health == "failing":
		return false, verdictOn(s)
	case s.Sync == deploy.InSync && s.Trouble == "" && (s.Health == "healthy" || s.Health == "-"):
		return s.Outage == nil, nil
	}
	return false, nil
}
