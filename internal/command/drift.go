package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/view"
)

const driftHelp = "Shows the fields that differ from Git now, who changed them, and whether the\n" +
	"server takes them back; then the drift that it found lately, from the records.\n" +
	"Without APP, every app that you can see. Values of Secrets are masked. Exits 1\n" +
	"if something differs now."

func driftFlags(f *pflag.FlagSet) {
	output(f)
	f.Duration("since", 24*time.Hour, "how far back to look for drift that was found")
	f.IntP("number", "n", 20, "the number of findings of each app to list at the most")
}

// maxFindings bounds the findings of one app that a call lists.
const maxFindings = 200

// appDrift is the JSON output of drift for one app.
type appDrift struct {
	deploy.Drift
	Lately []view.Finding `json:"lately"` // newest first
}

// drift shows how apps differ from Git, and how they did lately.
func drift(ctx context.Context, c *call) error {
	since, number, err := c.driftBounds()
	if err != nil {
		return err
	}
	statuses, err := c.statuses()
	if err != nil {
		return err
	}
	list := []appDrift{}
	for _, s := range statuses {
		now, ok := c.Engine.Drift(ctx, s.App, len(c.args) == 1)
		if !ok {
			continue // it was removed just now
		}
		found, err := c.view().Findings(ctx, s, time.Now().Add(-since), number)
		if err != nil {
			return err
		}
		list = append(list, appDrift{now, found})
	}
	if err := c.print(list, func(w io.Writer) { c.printDrifts(w, list, since) }); err != nil {
		return err
	}
	return verdictOnDrift(list)
}

func (c *call) driftBounds() (since time.Duration, number int, err error) {
	since, _ = c.flags.GetDuration("since") // the flags are those of driftFlags
	number, _ = c.flags.GetInt("number")
	switch {
	case since <= 0:
		return 0, 0, usageError{"--since wants how far back, such as 12h"}
	case number < 1 || number > maxFindings:
		return 0, 0, usageError{fmt.Sprintf("-n wants a number from 1 to %d", maxFindings)}
	}
	return since, number, nil
}

func (c *call) printDrifts(w io.Writer, list []appDrift, since time.Duration) {
	now, shown := time.Now(), 0
	for _, d := range list {
		if len(c.args) == 0 && len(d.Deviations) == 0 && len(d.Lately) == 0 {
			continue
		}
		if shown++; shown > 1 {
			fmt.Fprintln(w)
		}
		printDrift(w, d, since, now)
	}
	if shown == 0 {
		fmt.Fprintf(w, "nothing differs from Git in %s, and nothing did in the last %s\n", manifest.Plural(len(list), "app"), manifest.AsSetting(since))
	}
}

// printDrift writes the drift of one app.
func printDrift(w io.Writer, d appDrift, since time.Duration, now time.Time) {
	fmt.Fprintf(w, "%s: %s from %s on cluster %s\n", d.App, differ(len(d.Deviations)), dash(d.Revision.Short()), dash(d.Cluster))
	for _, found := range d.Deviations {
		fmt.Fprintf(w, "\n  %s\n    %s\n", manifest.Clean(found.Object), manifest.Clean(found.What))
		printFields(w, found.Fields)
		fmt.Fprintf(w, "    %s\n", manifest.Clean(found.Fate))
	}
	for _, object := range d.Left {
		fmt.Fprintf(w, "  left as it is: %s\n", manifest.Clean(object))
	}
	if d.Unseen != "" {
		fmt.Fprintf(w, "\n  not all fields are known: %s\n", manifest.CleanLines(d.Unseen))
	}
	if len(d.Lately) == 0 {
		fmt.Fprintf(w, "\nfound in the last %s: nothing\n", manifest.AsSetting(since))
		return
	}
	fmt.Fprintf(w, "\nfound in the last %s, newest first:\n", manifest.AsSetting(since))
	for _, f := range d.Lately {
		fmt.Fprintf(w, "\n  %s\n    %s\n", manifest.Clean(f.Object), manifest.Clean(f.What))
		printFields(w, f.Fields)
		fmt.Fprintf(w, "    %s %s   (show %s)\n", wordOf(f.Result), ago(f.Time, now), f.Deploy)
	}
}

// wordOf says what became of drift that was found.
func wordOf(r record.Result) string {
	if r == record.DriftFound {
		return "left alone"
	}
	return string(r)
}

// printFields writes fields with the values that were found, and those of Git.
func printFields(w io.Writer, fields []record.Difference) {
	for _, f := range fields {
		fmt.Fprintf(w, "      %s: %s, in Git %s\n", manifest.Clean(f.Field), cmp.Or(manifest.Clean(f.Found), "missing"), cmp.Or(manifest.Clean(f.Wanted), "absent"))
	}
}

// differ says how many objects differ.
func differ(n int) string {
	if n == 0 {
		return "nothing differs"
	}
	return manifest.PluralDoes(n, "object", "differs", "differ")
}

// verdictOnDrift makes drift fail, for scripts, if something differs now.
func verdictOnDrift(list []appDrift) error {
	for _, d := range list {
		if len(d.Deviations) == 0 {
			continue
		}
		hint := "the server takes it back by itself; see when: ssh HOST drift %s"
		for _, found := range d.Deviations {
			if !found.Corrected {
				hint = "take it back: ssh HOST sync %s; or commit the change"
			}
		}
		if d.Suspension != nil {
			hint = "end the suspension: ssh HOST resume %s"
		}
		return report.WithHint(errors.New("the cluster differs from Git"), hint, d.App)
	}
	return nil
}
