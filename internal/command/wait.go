package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

const waitHelp = "REV is anything that Git takes: a branch, a tag, a commit, main~1; the default\n" +
	"is the app's branch. Shows the running deploy, and exits 0 once the revision,\n" +
	"or a newer one that contains it, is deployed and everything is healthy; 1 as\n" +
	"soon as that fails, or after --timeout. Example: wait shop main --timeout 5m"

// waitLook is the interval between looks at the health, for changes without an event.
const waitLook = time.Second

func waitFlags(f *pflag.FlagSet) {
	f.Duration("timeout", 10*time.Minute, "how long to wait at most")
}

// wait waits until a revision of an app is deployed and healthy.
func wait(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	timeout, err := c.flags.GetDuration("timeout")
	if err != nil || timeout <= 0 {
		return usageError{"--timeout wants a duration such as 5m"}
	}
	revision := status.Branch.Ref()
	if len(c.args) == 2 {
		revision = c.args[1]
	}
	repo, wanted, err := c.waitFor(ctx, status, revision)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errWaited)
	defer cancel()
	w := c.company(c.lines(), c.awaiting(status.App, wanted, time.Now(), timeout))
	defer w.end()
	for {
		number, done, err := c.waited(ctx, w, repo, status.App, wanted)
		if done || err != nil {
			return err
		}
		_, more := c.Events.Since(number)
		select {
		case <-more:
		case <-time.After(waitLook):
		case <-c.Leaving:
			return report.WithHint(errors.New("the server is stopping"), "wait on with the same words: the next server answers")
		case <-ctx.Done():
			now, _ := c.Engine.Status(status.App)
			return report.WithHint(fmt.Errorf("app %s at %s is still %s, %s after %s", status.App, wanted.Short(), now.Sync, now.Health, timeout),
				"status %s shows what it waits for", status.App)
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
		return number, false, fmt.Errorf("app %s is gone", app)
	}
	contained := false
	if at := git.Hash(status.Revision); at != "" {
		if contained, err = repo.IsAncestor(ctx, wanted, at, git.Quarantine{}); err != nil {
			return number, false, err
		}
	}
	done, err = judgeWait(status, wanted, contained)
	if done {
		w.tell(fmt.Sprintf("%s: %s is deployed and healthy", app, status.Revision.Short()))
	}
	return number, done, err
}

// judgeWait decides whether the revision is deployed, whether to keep waiting (false
// and nil), or that waiting is useless. contained says that the app's wanted revision
// is the revision or a newer one.
func judgeWait(s deploy.Status, wanted git.Hash, contained bool) (done bool, err error) {
	switch {
	case s.Running != "", s.Sync == deploy.Waits:
		return false, nil
	case s.Suspension != nil && s.Sync != deploy.InSync, s.Sync == deploy.Held, s.Sync == deploy.Gone:
		return false, verdictOn(s)
	case !contained:
		return false, report.WithHint(fmt.Errorf("%s is not on branch %s, which app %s is deployed from", wanted.Short(), s.Branch, s.App),
			"push it, or name another revision")
	case s.Sync == deploy.NotSynced, s.Health == "failing":
		return false, verdictOn(s)
	case s.Sync == deploy.InSync && s.Trouble == "" && (s.Health == "healthy" || s.Health == "-"):
		return s.Outage == nil, nil
	}
	return false, nil
}
