package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

const restartHelp = objectHelp +
	"It has to be a Deployment, a StatefulSet or a DaemonSet of the app. Its pods are\n" +
	"replaced as kubectl rollout restart does it, as the rollout strategy says; Git\n" +
	"and everything else of the object stay as they are. It is recorded. A suspended\n" +
	"app is left alone, and so is one whose windows are closed.\n" +
	"Example: restart shop deploy/web"

func restartFlags(f *pflag.FlagSet) {
	f.String("override", "", "restart although a window is closed, and record this reason")
}

// restart replaces the pods of one of an app's objects.
func restart(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	override, _ := c.flags.GetString("override") // the flags are those of restartFlags
	if err := c.checkOverride(status, override); err != nil {
		return err
	}
	run, err := c.Engine.Restart(ctx, status.App, c.args[1], deploy.RestartBy{Caller: c.Caller(), Override: override})
	if err != nil {
		return noRestart(err, status, manifest.Clean(c.args[1]))
	}
	_, err = c.lines().Write(run.Log())
	fmt.Fprintf(c, "see how it goes: ssh HOST tree %s\n", status.App)
	return err
}

// noRestart explains why an object is not restarted.
func noRestart(err error, status deploy.Status, object string) error {
	app := status.App
	if closed := (*deploy.ClosedError)(nil); errors.As(err, &closed) {
		hint := "wait until then, or override it: ssh HOST restart " + string(app) + " " + object + ` --override "'REASON'"`
		return report.WithHint(err, "%s", hint)
	}
	switch {
	case errors.Is(err, deploy.ErrNaming):
		return usageError{fmt.Sprintf("%q: %v", object, err)}
	case errors.Is(err, deploy.ErrSuspended):
		return report.WithHint(errors.New("app "+string(app)+" is "+status.Suspension.Describe()), "end the suspension: ssh HOST resume %s", app)
	case errors.Is(err, fs.ErrNotExist):
		return report.WithHint(fmt.Errorf("app %s has no object %s", app, object), "see what it has: ssh HOST tree %s", app)
	case errors.Is(err, deploy.ErrSeveral):
		return report.WithHint(fmt.Errorf("%s: %w", object, err), "name its namespace: deploy/NAMESPACE/NAME")
	case errors.Is(err, deploy.ErrNoRestart):
		return report.WithHint(fmt.Errorf("%s: %w", object, err), "see what runs its pods: ssh HOST tree %s", app)
	case errors.Is(err, deploy.ErrPaused):
		return report.WithHint(fmt.Errorf("%s: %w", object, err), "end the pause in Git: spec.paused: false")
	case errors.Is(err, deploy.ErrRestartInGit):
		return report.WithHint(fmt.Errorf("%s: %w", object, err), "set it to another time in Git, and push")
	}
	return report.WithHint(fmt.Errorf("restart %s: %w", object, err), "see how the app is: ssh HOST status %s", app)
}
