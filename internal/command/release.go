package command

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

const releaseHelp = "The objects of the app stay on its cluster as they are, and lose what says that\n" +
	"they are Pushboat's: the label, the owned fields and the inventory. The app is\n" +
	"suspended, so that it does not take them again; resume does. Of an app that an\n" +
	"object of Flux or Argo CD means, the fields are that tool's then, and the answer\n" +
	"has the command that starts it. The words say why.\n" +
	"Example: release shop back to Flux"

func releaseFlags(f *pflag.FlagSet) {
	f.String("reason", "", "the reason, for other people")
}

// release gives up what an app has on its cluster.
func release(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	s := record.Suspension{By: c.Caller().Operator, Reason: "released"}
	if reason, err := c.reason(); err == nil {
		s.Reason += ": " + reason
	}
	run, objects, err := c.Engine.HandBack(ctx, status.App, s, c.Caller())
	if err != nil {
		return report.WithHint(fmt.Errorf("release app %s: %w", status.App, err), "run it again: what was released stays released; ssh HOST status %s shows how the app is", status.App)
	}
	fmt.Fprint(c, string(run.Log()))
	fmt.Fprintf(c, "%s as it is on cluster %s, and no longer Pushboat's\n", manifest.PluralDoes(objects, "object", "stays", "stay"), status.Cluster)
	start := c.Engine.StartOf(ctx, status.App)
	if len(start.First) > 0 {
		fmt.Fprintf(c, "first release what the other tool goes on with as well: %s\n", name.Join(start.First, ", "))
	}
	if start.Command != "" {
		fmt.Fprintf(c, "to have the other tool go on: %s\n", manifest.Clean(start.Command))
	}
	return nil
}
