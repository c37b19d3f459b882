package command

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/doctor"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

const doctorHelp = "Looks at Git, the disk, the clock, each cluster and the server's rights there,\n" +
	"open grants, keys and certificates that expire within 30 days, backups, the\n" +
	"audit trail, receivers of notifications that fail, and settings that are not in\n" +
	"force. Each line is ok, warning or problem, with the next thing to try. Exits 1\n" +
	"if there is a problem. Takes the role admin, or a rule that gives doctor.\n" +
	"Example: doctor -o json"

// examination is a doctor's answer as data.
type examination struct {
	Problems int              `json:"problems"`
	Warnings int              `json:"warnings"`
	Findings []doctor.Finding `json:"findings"`
}

// examine shows how the server itself is, and fails if it has a problem.
func examine(ctx context.Context, c *call) error {
	if err := c.check(access.Examine, access.Subject{}); err != nil {
		return err
	}
	found := c.Doctor.Examine(ctx)
	e := examination{Problems: doctor.Count(found, doctor.Problem), Warnings: doctor.Count(found, doctor.Warning), Findings: found}
	if err := c.print(e, func(w io.Writer) { printExamination(w, e) }); err != nil {
		return err
	}
	if e.Problems > 0 {
		return report.WithHint(fmt.Errorf("the server has %s", manifest.Plural(e.Problems, "problem")), "try what the lines above say, and ask again: ssh HOST doctor")
	}
	return nil
}

// printExamination writes a line for each finding, and its hint below.
func printExamination(w io.Writer, e examination) {
	for _, f := range e.Findings {
		subject := f.Check
		if f.About != "" {
			subject += " " + f.About
		}
		fmt.Fprintf(w, "%-8s %s: %s\n", f.Level, manifest.Clean(subject), manifest.Clean(f.Says))
		for line := range strings.Lines(f.Hint) {
			fmt.Fprintf(w, "           %s\n", manifest.Clean(strings.TrimRight(line, "\n")))
		}
	}
	if e.Problems == 0 && e.Warnings == 0 {
		fmt.Fprintln(w, "All is well.")
	}
}
