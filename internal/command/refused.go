package command

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/refusal"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/view"
)

const refusedHelp = "The newest 50 of a repository, for 7 days: of repositories that you may read,\n" +
	"and your own. With ID, each problem beside its source lines, and the plan as far\n" +
	"as it was made. Of files with Secrets or encrypted values, only keys are shown.\n" +
	"Example: refused -o json"

// refused lists pushes that the gate has refused, or shows one.
func refused(_ context.Context, c *call) error {
	if len(c.args) > 0 {
		return c.showRefusal(c.args[0])
	}
	list := []refusal.Brief{}
	for _, b := range c.Refusals.List() {
		if view.SeesRefusal(c.Policy, c.Caller(), b) {
			list = append(list, b)
		}
	}
	return c.print(list, func(w io.Writer) { printRefusals(w, list, time.Now()) })
}

func printRefusals(w io.Writer, list []refusal.Brief, now time.Time) {
	if len(list) == 0 {
		fmt.Fprintln(w, "No push was refused lately.")
		return
	}
	table := newTable(w, "ID", "REPOSITORY", "BRANCH", "BY", "WHEN", "PROBLEMS")
	for _, b := range list {
		table.row(b.ID, string(b.Repo), b.Branch(), b.Operator, ago(b.Time, now), strconv.Itoa(b.Count))
	}
	table.print()
}

func (c *call) showRefusal(id string) error {
	b, ok := c.Refusals.Brief(id)
	if !ok || !view.SeesRefusal(c.Policy, c.Caller(), b) {
		return unknownRefusal(id)
	}
	r, ok := c.Refusals.Find(id)
	if !ok {
		return unknownRefusal(id)
	}
	return c.print(r, func(w io.Writer) { printRefusal(w, r) })
}

func unknownRefusal(id string) error {
	return report.WithHint(fmt.Errorf("refused push %q not found", manifest.Clean(id)), "list those that are kept: ssh HOST refused")
}

func printRefusal(w io.Writer, r refusal.Refusal) {
	option := ""
	if r.Plan {
		option = ", with -o plan"
	}
	fmt.Fprintf(w, "push to %s by %s, %s%s: refused\n", r.Repo, manifest.Clean(r.Operator), r.Time.UTC().Format("2006-01-02 15:04:05 UTC"), option)
	for _, ref := range r.Refs {
		fmt.Fprintf(w, "  %s  %s..%s\n", manifest.Clean(ref.Name), short(ref.Old), short(ref.New))
		if ref.Author+ref.Subject != "" {
			fmt.Fprintf(w, "    %s: %s\n", manifest.Clean(ref.Author), manifest.Clean(ref.Subject))
		}
	}
	if r.MoreRefs > 0 {
		fmt.Fprintf(w, "  and %d more\n", r.MoreRefs)
	}
	for _, p := range r.Problems {
		fmt.Fprintln(w)
		printRefused(w, "error", p.OutlinedProblem, p.Excerpt)
	}
	if r.More > 0 {
		fmt.Fprintf(w, "\nand %s more\n", manifest.Plural(r.More, "problem"))
	}
	for _, p := range r.Warnings {
		fmt.Fprintln(w)
		printRefused(w, "warning", p, nil)
	}
	for _, plan := range r.Plans {
		fmt.Fprintln(w)
		plan.WriteText(w)
	}
	if r.LeftOut > 0 {
		fmt.Fprintf(w, "\nand %s more\n", manifest.Plural(r.LeftOut, "plan"))
	}
}

// printRefused writes a problem with the lines around it, of which the one that counts is
// marked.
func printRefused(w io.Writer, word string, p report.OutlinedProblem, e *refusal.Excerpt) {
	report.WriteOutlined(w, word, p)
	if e == nil {
		return
	}
	width := len(strconv.Itoa(e.First + len(e.Lines) - 1))
	for i, line := range e.Lines {
		mark := " "
		if e.First+i == p.Line {
			mark = ">"
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %s %*d | %s", mark, width, e.First+i, manifest.Clean(line)), " "))
	}
	if e.Keys {
		fmt.Fprintln(w, "  the file holds secrets: only its keys are shown")
	}
}
