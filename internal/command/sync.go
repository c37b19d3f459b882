package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/view"
	"github.com/pushboat/pushboat/internal/window"
)

// syncFlags are the flags of every verb that deploys one app.
func syncFlags(f *pflag.FlagSet) {
	f.Bool("force", false, "delete and recreate objects whose immutable fields changed")
	f.Int("confirm-prune", -1, "the number of deletions to confirm")
	f.Bool("detach", false, "do not wait for the deploy")
	f.String("override", "", "deploy although a window is closed, and record this reason")
}

func syncAppFlags(f *pflag.FlagSet) {
	syncFlags(f)
	f.Bool("all", false, "every app that you may deploy")
}

// syncApp deploys the newest revision of an app's branch, even if it is deployed
// already.
func syncApp(ctx context.Context, c *call) error {
	if all, _ := c.flags.GetBool("all"); all { // the flags are those of syncAppFlags
		return syncAll(ctx, c)
	}
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	if err := notSuspended(status); err != nil {
		return err
	}
	runs, err := c.begin(ctx, status, spelling)
	if err != nil {
		return err
	}
	return c.show(ctx, runs)
}

// notSuspended returns an error for a suspended app.
func notSuspended(status deploy.Status) error {
	if s := status.Suspension; s != nil {
		return report.WithHint(fmt.Errorf("app %s is suspended by %s: %s", status.App, s.By, s.Reason), "deploy it: ssh HOST resume %s", status.App)
	}
	return nil
}

// syncAll deploys every app that the caller may deploy. It begins all deploys before it
// follows one to its end, so that they run in parallel.
func syncAll(ctx context.Context, c *call) error {
	if c.flags.Changed("confirm-prune") {
		return usageError{"--confirm-prune is about one app; leave out --all"}
	}
	apps, err := c.deployable()
	if err != nil {
		return err
	}
	var (
		begun  []*deploy.Run
		failed []name.App
	)
	for _, app := range apps {
		status, ok := c.Engine.Status(app)
		if !ok {
			continue
		}
		if s := status.Suspension; s != nil {
			fmt.Fprintf(c, "%s: left out, suspended by %s\n", app, s.By)
			continue
		}
		runs, err := c.begin(ctx, status, spellingOf("sync "+string(app)))
		if err != nil {
			c.explain(err)
			failed = append(failed, app)
		}
		begun = append(begun, runs...)
	}
	for _, run := range begun {
		err := c.show(ctx, []*deploy.Run{run})
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			failed = append(failed, run.App)
		}
	}
	if len(failed) > 0 {
		return report.WithHint(fmt.Errorf("%d of %s %s not deployed well: %s", len(failed), manifest.Plural(len(apps), "app"), isOrAre(len(failed)), name.Join(failed, ", ")),
			"the lines above say why; see how they are now: ssh HOST status")
	}
	return nil
}

// begin plans an app's newest revision, shows the plan in the words of the door, and
// begins the resulting deploys.
func (c *call) begin(ctx context.Context, status deploy.Status, door report.Door) ([]*deploy.Run, error) {
	change, err := c.change(ctx, status, status.Branch.Ref())
	if err != nil {
		return nil, err
	}
	return c.beginChange(ctx, status, change, door)
}

// beginChange is begin for a change that lacks only its options.
func (c *call) beginChange(ctx context.Context, status deploy.Status, change deploy.Change, door report.Door) ([]*deploy.Run, error) {
	var err error
	if change.Options, err = c.syncOptions(status); err != nil {
		return nil, err
	}
	var proposal *deploy.Proposal
	c.meanwhile(asking, func(func(string)) { proposal = c.Engine.Propose(ctx, change) })
	defer proposal.Close()
	proposal.Print(c.lines(), door)
	if proposal.Refused() {
		return nil, report.WithHint(fmt.Errorf("app %s is not deployed", status.App), "the lines above say why")
	}
	if asked := proposal.AskedOfApp(); asked.Any() {
		if err := (push.Source{Repos: c.Repos}).KeepAskedOf(change.Repo, change.Branch, status.App, asked); err != nil {
			return nil, err
		}
	}
	runs, err := proposal.Accept()
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, report.WithHint(fmt.Errorf("app %s is not in pushboat.yaml of branch %s", status.App, status.Branch),
			"push a pushboat.yaml that names it")
	}
	return runs, nil
}

// show follows deploys until they end, or only names them if the caller does not want
// to wait.
func (c *call) show(ctx context.Context, runs []*deploy.Run) error {
	for _, run := range runs {
		if detach, _ := c.flags.GetBool("detach"); detach { // the flags are those of syncFlags
			fmt.Fprintf(c, "%s: deploying as %s\n", run.App, run.ID())
			continue
		}
		if err := c.follow(ctx, run); err != nil {
			return err
		}
	}
	return nil
}

// syncOptions reads the flags of syncFlags. Who overrides windows has to have the right.
func (c *call) syncOptions(status deploy.Status) (deploy.Options, error) {
	force, _ := c.flags.GetBool("force") // the flags are those of syncFlags
	confirmed, _ := c.flags.GetInt("confirm-prune")
	detach, _ := c.flags.GetBool("detach")
	override, _ := c.flags.GetString("override")
	if err := c.checkOverride(status, override); err != nil {
		return deploy.Options{}, err
	}
	return deploy.Options{Force: force, ConfirmPrune: confirmed, Detach: detach, Override: override}, nil
}

// checkOverride refuses a reason to override windows that is none, or whose caller may not.
func (c *call) checkOverride(status deploy.Status, reason string) error {
	if !c.flags.Changed("override") {
		return nil
	}
	if err := window.CheckReason(reason); err != nil {
		return usageError{"--override has a reason that " + err.Error()}
	}
	return c.checkApps(access.Override, aboutApp(status))
}

// deployable lists the apps on which the caller has the right of the call, which is one of
// those who deploy.
func (c *call) deployable() ([]name.App, error) {
	right := c.right()
	names, subjects := []name.App{}, []asked{}
	for _, status := range c.visible() {
		if c.Policy.Allows(c.Caller(), right, view.SubjectOf(status)) {
			names, subjects = append(names, status.App), append(subjects, aboutApp(status))
		}
	}
	if len(names) == 0 && len(c.visible()) > 0 {
		return nil, report.WithHint(errors.New("there is no app that you may deploy"), "list the apps that you may see: ssh HOST status")
	}
	return names, c.checkApps(right, subjects...)
}

// isOrAre is the verb for some of many.
func isOrAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
