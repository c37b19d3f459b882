package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/rollback"
)

func rollbackFlags(f *pflag.FlagSet) {
	f.Bool("plan", false, "only show what would change")
	syncFlags(f)
}

// rollBack takes an app back to an earlier revision, and shows its deploy.
func rollBack(ctx context.Context, c *call) error {
	planOnly, err := c.flags.GetBool("plan")
	if err != nil {
		return err
	}
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	request := rollback.Request{App: status.App, Caller: c.Caller()}
	if request.Options, err = c.syncOptions(status); err != nil {
		return err
	}
	request.Options.Plan = planOnly
	if len(c.args) == 2 {
		if request.To, err = c.goal(ctx, status, c.args[1]); err != nil {
			return err
		}
	}
	var r *rollback.Rollback
	c.meanwhile(asking, func(func(string)) { r, err = c.Rollback.Prepare(ctx, request) })
	if err != nil {
		return err
	}
	defer r.Close()
	fmt.Fprintf(c, "%s: back to %s\n", status.App, r.To.Short())
	if r.WholeTree() {
		fmt.Fprintln(c, "  its folder is the whole repository: pushboat.yaml goes back, too")
	}
	door := spelling
	if planOnly {
		door = spellingOf("rollback " + string(status.App) + " " + r.To.Short())
	}
	r.Print(c.lines(), door)
	if planOnly {
		if len(r.Problems) > 0 {
			return report.WithHint(errors.New("this revision cannot be deployed as it is"), "the lines above say why")
		}
		return nil
	}
	if r.Refused() {
		return report.WithHint(fmt.Errorf("app %s is not rolled back", status.App), "the lines above say why")
	}
	runs, err := r.Deploy(ctx)
	if err != nil {
		return err
	}
	r.Close()
	fmt.Fprintf(c, "%s: branch %s is at %s now\n", status.App, status.Branch, r.Commit.Short())
	err = c.show(ctx, runs)
	fmt.Fprintln(c, closing(r, status.App, runs))
	return err
}

// closing returns the last line of a rollback, whatever happened to the app's deploy.
func closing(r *rollback.Rollback, app name.App, runs []*deploy.Run) string {
	for _, run := range runs {
		if run.App != app {
			continue
		}
		if outcome, ended := run.Outcome(); ended {
			return r.Closing(outcome)
		}
		return fmt.Sprintf("%s: take commit %s over with: git pull", app, r.Commit.Short())
	}
	return r.Closing(record.Record{App: app, Result: record.Deployed}) // unchanged
}

// goal is the revision of a rollback. Unless it is only looked at, it was deployed or is on
// the app's branch, or the caller may deploy: a rollback takes back, and brings nothing that
// was pushed elsewhere. To a branch that takes only signed commits or
// pushes, it never does.
func (c *call) goal(ctx context.Context, status deploy.Status, word string) (git.Hash, error) {
	if c.right() != access.Rollback || deployNumber(status.App, word) > 0 {
		return c.revision(ctx, status, word)
	}
	at, err := c.locate(ctx, status, word)
	if err != nil {
		return "", err
	}
	reason := ""
	signed, pushed := c.Rules().Signings(status.Repo, status.Branch), c.Rules().PushSignings(status.Repo, status.Branch.Ref())
	switch {
	case !c.accepted(status, at.standing):
		reason = "it takes the right to deploy"
	case at.standing == elsewhere && len(signed) > 0:
		reason = "that takes only signed commits"
	case at.standing == elsewhere && len(pushed) > 0:
		reason = "that takes only signed pushes"
	}
	if reason != "" {
		return "", report.WithHint(fmt.Errorf("revision %s is not on branch %s: %s", at.hash.Short(), status.Branch, reason),
			"go back to an earlier deploy, see: ssh HOST history %s", status.App)
	}
	return at.hash, nil
}

// revision finds the commit of a deploy, a branch, a tag or a hash.
func (c *call) revision(ctx context.Context, status deploy.Status, word string) (git.Hash, error) {
	if number := deployNumber(status.App, word); number > 0 {
		entry, ok, err := c.History.Find(ctx, status.Repo, status.App, number)
		if err != nil {
			return "", err
		}
		if ok {
			return git.Hash(entry.Record.Revision), nil
		}
	}
	repo, err := c.Repos.Open(status.Repo)
	if err != nil {
		return "", err
	}
	return resolve(ctx, repo, word)
}
