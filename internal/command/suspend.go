package command

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// Limits on a suspension: people forget longer ones.
const (
	maxSuspension = 366 * 24 * time.Hour
	maxReason     = 200 // characters
)

func suspendFlags(f *pflag.FlagSet) {
	f.String("until", "", "when it ends by itself: a duration or a moment; never if left out")
	f.String("reason", "", "the reason, for other people (required)")
}

// suspend suspends an app.
func suspend(_ context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	s := record.Suspension{By: c.Caller().Operator}
	if s.Reason, err = c.reason(); err != nil {
		return err
	}
	until, _ := c.flags.GetString("until") // the flags are those of suspendFlags
	if s.Until, err = parseUntil(until, time.Now()); err != nil {
		return err
	}
	run, err := c.Engine.Suspend(status.App, s, c.Caller())
	if err != nil {
		return report.WithHint(fmt.Errorf("suspend app %s: %w", status.App, err), "list the apps: ssh HOST apps")
	}
	fmt.Fprint(c, string(run.Log()))
	return nil
}

// reason returns the flag's text and the words after it in one line: ssh joins its
// arguments with blanks, and so loses the quotes that a shell was given.
func (c *call) reason() (string, error) {
	text, _ := c.flags.GetString("reason")
	text += " " + strings.Join(c.args[1:], " ")
	text = manifest.Clean(strings.Join(strings.Fields(text), " "))
	if text == "" {
		return "", usageError{"--reason is missing: say why, in a few words"}
	}
	if len([]rune(text)) > maxReason {
		return "", usageError{fmt.Sprintf("--reason has more than %d characters", maxReason)}
	}
	return text, nil
}

// moments are the forms of a time; those without a zone are in UTC.
var moments = []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly}

// parseUntil parses the end of a suspension; the zero time if text is empty.
func parseUntil(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	until, ok := fromNow(text, now)
	for _, form := range moments {
		if moment, err := time.Parse(form, text); !ok && err == nil {
			until, ok = moment, true
		}
	}
	switch {
	case !ok:
		return time.Time{}, usageError{fmt.Sprintf("--until %q is no time; write 90m, 8h, 2d, 2026-01-31 or 2026-01-31T18:00 (UTC)", text)}
	case !until.After(now):
		return time.Time{}, usageError{fmt.Sprintf("--until %q has passed", text)}
	case until.After(now.Add(maxSuspension)):
		return time.Time{}, usageError{fmt.Sprintf("--until %q is more than a year away; leave it out for no end", text)}
	}
	return until.UTC().Truncate(time.Second), nil
}

// fromNow parses a duration, which may also be in days.
func fromNow(text string, now time.Time) (time.Time, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return now.AddDate(0, 0, n), err == nil && n > 0 && n < 1000
	}
	d, err := time.ParseDuration(text)
	return now.Add(d), err == nil
}

// resume ends a suspension, and shows the deploy that follows.
func resume(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	run, err := c.Engine.Resume(status.App, c.Caller())
	if errors.Is(err, deploy.ErrNotSuspended) {
		return report.WithHint(fmt.Errorf("app %s is not suspended", status.App), "see how it is: ssh HOST status %s", status.App)
	}
	if rival, ok := errors.AsType[*deploy.RivalError](err); ok {
		return report.WithHint(fmt.Errorf("resume app %s: %w", status.App, rival), "stop it there, and resume again: %s", rival.Commands)
	}
	if err != nil {
		return report.WithHint(fmt.Errorf("resume app %s: %w", status.App, err), "list the apps: ssh HOST apps")
	}
	return c.follow(ctx, run)
}
