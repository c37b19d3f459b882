package command

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

func checkFlags(f *pflag.FlagSet) {
	output(f)
	f.Bool("full", false, "check every object on the cluster, even if it seems unchanged")
}

// check compares apps with their clusters now.
func check(ctx context.Context, c *call) error {
	names, err := c.checkable()
	if err != nil {
		return err
	}
	depth, err := c.depth()
	if err != nil {
		return err
	}
	var findings []deploy.Finding
	c.meanwhile("comparing with the cluster", func(func(string)) { findings, err = c.Engine.CheckNow(ctx, c.Caller(), depth, names...) })
	if err != nil {
		return report.WithHint(fmt.Errorf("check: %w", err), "the check goes on; see how it ends: ssh HOST status")
	}
	if err := c.print(findings, func(w io.Writer) { printFindings(w, findings) }); err != nil {
		return err
	}
	return verdictOnCheck(findings)
}

// depth is how closely the call has apps compared with their clusters.
func (c *call) depth() (deploy.Depth, error) {
	full, err := c.flags.GetBool("full")
	if full {
		return deploy.ByTrial, err
	}
	return deploy.BySight, err
}

// checkable lists the app that the call names, or all that the caller may deploy.
func (c *call) checkable() ([]name.App, error) {
	if len(c.args) == 1 {
		one, err := c.app(c.args[0])
		return []name.App{one.App}, err
	}
	return c.deployable()
}

func printFindings(w io.Writer, findings []deploy.Finding) {
	if len(findings) == 0 {
		fmt.Fprintln(w, "No apps yet. Push a repository to deploy one: git push ssh://HOST/NAME main")
		return
	}
	table := newTable(w, "APP", "RESULT", "DIFFERED")
	for _, f := range findings {
		table.row(string(f.App), string(f.Result), strconv.Itoa(len(f.Objects)))
		for _, object := range f.Objects {
			table.note(object)
		}
		if f.Message != "" {
			for line := range strings.SplitSeq(f.Message, "\n") {
				table.note(line)
			}
		}
	}
	table.print()
}

// verdictOnCheck makes check fail, for scripts, if a difference remains.
func verdictOnCheck(findings []deploy.Finding) error {
	var differ []name.App
	for _, f := range findings {
		if !f.OK() {
			differ = append(differ, f.App)
		}
	}
	switch len(differ) {
	case 0:
		return nil
	case 1:
		return report.WithHint(fmt.Errorf("app %s is not as it should be", differ[0]), "the lines above say why; see how it is: ssh HOST status %s", differ[0])
	}
	return report.WithHint(fmt.Errorf("%d apps are not as they should be: %s", len(differ), name.Join(differ, ", ")),
		"the lines above say why; see how they are: ssh HOST status")
}
