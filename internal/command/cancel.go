package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
)

// cancel ends the wait of a deploy that goes on.
func cancel(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0], access.Deploy)
	if err != nil {
		return err
	}
	run, err := c.Engine.Cancel(status.App, c.Caller())
	if errors.Is(err, deploy.ErrNothingGoesOn) {
		return hint(fmt.Errorf("no deploy of app %s goes on", status.App), "see its deploys: ssh HOST history %s", status.App)
	}
	if err != nil {
		return err
	}
	rec, err := run.Attach(ctx, func(string) {})
	if err != nil {
		return hint(errors.New("detached; the deploy ends soon"), "see how it ends: ssh HOST logs -f %s", run.ID())
	}
	if rec.Cancelled == "" { // it has ended by itself, or is one of tests
		fmt.Fprintf(c, "%s: %s has ended: %s\n", status.App, run.ID(), rec.Result)
		return nil
	}
	fmt.Fprintf(c, "%s: deploy %s is cancelled; see what it did: ssh HOST show %s\n", status.App, run.ID(), run.ID())
	return nil
}
