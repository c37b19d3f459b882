package command

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// testHelp explains a first test.
const testHelp = "Tests are the objects of a chart with the annotation helm.sh/hook: test, most\n" +
	"of them Pods and Jobs that must succeed. They run against the deployed app, by\n" +
	"weight, until one fails, with the app's timeout; helm.sh/hook-delete-policy\n" +
	"says which of them are deleted at their end. Nothing is recorded. Exits 1 if\n" +
	"one fails. A newer push ends the wait for them. Example: test shop"

// test runs the tests of an app and shows their progress.
func test(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	quiet, err := c.asJSON()
	if err != nil {
		return err
	}
	run, err := c.Engine.Test(status.App)
	if err != nil {
		return report.WithHint(err, "try again when they are through")
	}
	rec, err := c.attendTests(ctx, run, quiet)
	if err != nil {
		return report.WithHint(errors.New("detached; the tests go on"), "run them again: ssh HOST test %s", status.App)
	}
	if quiet {
		results := append([]record.HookResult{}, rec.Hooks...)
		if err := c.print(results, func(io.Writer) {}); err != nil {
			return err
		}
	}
	switch {
	case rec.Result == record.Deployed:
		return nil
	case rec.Message == deploy.ErrNoTests.Error():
		return report.WithHint(fmt.Errorf("app %s has no tests", status.App), "a test is an object with the annotation helm.sh/hook: test")
	}
	return report.WithHint(fmt.Errorf("the tests of app %s failed", status.App), "the lines above say why; see how it is: ssh HOST status %s", status.App)
}

// attendTests is attend for tests. Quietly, it shows nothing that stays.
func (c *call) attendTests(ctx context.Context, run *deploy.Run, quiet bool) (record.Record, error) {
	if quiet {
		return run.Attach(ctx, func(string) {})
	}
	return c.attend(ctx, run)
}
