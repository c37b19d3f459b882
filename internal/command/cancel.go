package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/report"
)

// cancel ends the wait of a running deploy, or running tests.
func cancel(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	run, err := c.Engine.Cancel(status.App, c.Caller())
	if errors.Is(err, deploy.ErrNothingGoesOn) {
		return report.WithHint(fmt.Errorf("no deploy of app %s goes on", status.App), "see its deploys: ssh HOST history %s", status.App)
	}
	if err != nil {
		return err
	}
	rec, err := run.Attach(ctx, func(string) {})
	switch {
	case err != nil && run.IsTest():
		return report.WithHint(errors.New("detached; the tests end soon"), "see how the app is: ssh HOST status %s", status.App)
	case err != nil:
		return report.WithHint(errors.New("detached; the deploy ends soon"), "see how it ends: ssh HOST logs -f %s", run.ID())
	case rec.Cancelled == "" && run.IsTest(): // they have ended by themselves
		fmt.Fprintf(c, "%s: its tests have ended\n", status.App)
	case rec.Cancelled == "":
		fmt.Fprintf(c, "%s: %s has ended: %s\n", status.App, run.ID(), rec.Result)
	case run.IsTest():
		fmt.Fprintf(c, "%s: its tests are cancelled; pods that they have started go on\n", status.App)
	default:
		fmt.Fprintf(c, "%s: deploy %s is cancelled; see what it did: ssh HOST show %s\n", status.App, run.ID(), run.ID())
	}
	return nil
}
