package command

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

const (
	rotateHelp = "VALUE is a path that pushboat.yaml declares under helm.generated, such as\n" +
		"auth.password; the default is all of the app. The plan is that of sync. If it is\n" +
		"refused, the values stay as they were; else the new ones are kept, even if the\n" +
		"deploy fails. A program that knows the old value, such as a database, must read\n" +
		"the new one from the Secret: many do so only when they are set up.\n" +
		"Shows the deploy until it ends, and exits 1 if it does not end well.\n" +
		"Example: secrets rotate shop auth.password"
	setHelp = "The values are read from the input, a line each, in the order of the paths, and\n" +
		"kept like generated ones. For an app that runs already: push with -o skip, set\n" +
		"the values, and they are deployed.\n" +
		"Example: ssh HOST secrets set shop auth.password < password.txt"
)

// maxValue bounds a value, in bytes.
const maxValue = 64 << 10

// listValues lists the generated values of an app. The values are not shown.
func listValues(_ context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	values, err := c.Engine.GeneratedValues(status.App)
	if err != nil {
		return report.WithHint(fmt.Errorf("the generated values of app %s cannot be read: %w", status.App, err),
			"restore the server's data directory; or make new ones: ssh HOST secrets rotate %s", status.App)
	}
	return c.print(listed(values), func(w io.Writer) { printValues(w, status.App, values, time.Now()) })
}

func printValues(w io.Writer, app name.App, values []deploy.KeptValue, now time.Time) {
	if len(values) == 0 {
		fmt.Fprintf(w, "App %s has no generated values. Declare them in pushboat.yaml:\n  helm: {generated: [auth.password]}\n", app)
		return
	}
	table := newTable(w, "VALUE", "IS", "SINCE", "BY")
	for _, v := range values {
		since := "-"
		if v.Kept {
			since = ago(v.Made, now)
		}
		table.row(manifest.Clean(v.Path), stateOf(v), since, dash(manifest.Clean(v.By)))
	}
	table.print()
}

// stateOf words the state of a value.
func stateOf(v deploy.KeptValue) string {
	state := string(v.Origin)
	switch {
	case !v.Kept:
		return "not made yet"
	case v.Of != "":
		state = "found in Secret " + manifest.Clean(v.Of)
	}
	if !v.Declared {
		state += ", no longer declared"
	}
	return state
}

// rotate generates new values of an app, and deploys it with them.
func rotate(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	renewal := deploy.Renewal{Paths: c.args[1:], All: len(c.args) == 1}
	return c.renew(ctx, status, renewal, "made anew")
}

// setValues reads values from its input, keeps them like generated ones of an app, and
// deploys it with them.
func setValues(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err // before anything is read
	}
	given, err := readValues(c, c.args[1:])
	if err != nil {
		return err
	}
	return c.renew(ctx, status, deploy.Renewal{Given: given}, "set")
}

// readValues reads a line for each path.
func readValues(from io.Reader, paths []string) (map[string]string, error) {
	lines := bufio.NewReader(io.LimitReader(from, int64(len(paths))*(maxValue+2)))
	given := map[string]string{}
	for i, path := range paths {
		line, err := lines.ReadString('\n')
		value := strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		switch _, twice := given[path]; {
		case twice:
			return nil, usageError{fmt.Sprintf("%s is named twice", path)}
		case value == "" && err == io.EOF:
			return nil, usageError{fmt.Sprintf("line %d of the input is missing, the value of %s", i+1, path)}
		case value == "" || len(value) > maxValue || !utf8.ValidString(value):
			return nil, usageError{fmt.Sprintf("line %d of the input, the value of %s, is not text of 1 to %d bytes", i+1, path, maxValue)}
		}
		given[path] = value
	}
	return given, nil
}

// renew deploys an app with other generated values.
func (c *call) renew(ctx context.Context, status deploy.Status, renewal deploy.Renewal, done string) error {
	if err := notSuspended(status); err != nil {
		return err
	}
	change, err := c.change(ctx, status, status.Branch.Ref())
	if err != nil {
		return err
	}
	change.Renewal, change.Cause = renewal, record.CauseRotate
	runs, err := c.beginChange(ctx, status, change, spelling)
	if err != nil {
		return err
	}
	if err := c.show(ctx, runs); err != nil {
		return report.WithHint(fmt.Errorf("%w; the new values are kept, and the former ones are gone", err),
			"see how it is: ssh HOST status %s; and try again: ssh HOST sync %s", status.App, status.App)
	}
	what := strings.Join(slices.Concat(renewal.Paths, slices.Sorted(maps.Keys(renewal.Given))), ", ")
	if renewal.All {
		what = "all generated values"
	}
	fmt.Fprintf(c, "%s: %s %s\n", status.App, what, done)
	return nil
}
