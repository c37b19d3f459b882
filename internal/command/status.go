package command

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

func statusFlags(f *pflag.FlagSet) {
	output(f)
	f.BoolP("watch", "w", false, "keep running: redraw on a terminal, else print a line for each change")
	f.Bool("server", false, "the server itself: clusters, watches, queue, requests, memory")
}

// status shows the state of every app, of one, or of the server itself.
func status(ctx context.Context, c *call) error {
	if server, err := c.flags.GetBool("server"); err != nil || server {
		return serverStatus(ctx, c)
	}
	if watch, _ := c.flags.GetBool("watch"); watch { // the flags are those of statusFlags
		return c.watch(ctx)
	}
	list, err := c.statuses()
	if err != nil {
		return err
	}
	for i := range list {
		c.Engine.Explain(ctx, &list[i])
	}
	err = c.print(list, func(w io.Writer) {
		c.printMirrors(w, reposOf(list), time.Now())
		printStatus(w, list, time.Now())
		if len(c.args) == 1 {
			c.overview(w, list[0].App)
		}
	})
	if err != nil || len(c.args) == 0 {
		return err
	}
	return verdictOn(list[0])
}

// reposOf are the repositories of apps, each once.
func reposOf(list []deploy.Status) []name.Repo {
	var repos []name.Repo
	for _, s := range list {
		if !slices.Contains(repos, s.Repo) {
			repos = append(repos, s.Repo)
		}
	}
	return repos
}

// verdictOn makes status APP fail, for scripts, if the app is not in sync and healthy.
func verdictOn(s deploy.Status) error {
	if s.Outage != nil && s.Outage.Held {
		return report.WithHint(fmt.Errorf("app %s is not seen: cluster %s is held", s.App, s.Outage.Cluster), "%s", s.Outage.Hint)
	}
	if s.Outage != nil && s.Outage.Unreachable {
		return report.WithHint(fmt.Errorf("app %s is not seen: cluster %s is unreachable", s.App, s.Outage.Cluster),
			"it is looked for again every few seconds; see when it is back: ssh HOST status")
	}
	if s.Sync == deploy.Unsure {
		return report.WithHint(fmt.Errorf("app %s could not be compared with its cluster", s.App),
			"it is tried again by itself; do it now: ssh HOST check %s", s.App)
	}
	if s.Sync == deploy.InSync && (s.Health == "healthy" || s.Health == "-") {
		return nil
	}
	if s.Unrendered != "" {
		return report.WithHint(fmt.Errorf("app %s is not as its branch says, which cannot be rendered", s.App),
			"bring back what it needs, or push a fix; see all apps: ssh HOST status")
	}
	if s.Unselected != "" {
		return report.WithHint(fmt.Errorf("app %s is held: %s", s.App, s.Unselected),
			"have it go: ssh HOST sync %s\nor give the cluster the labels again", s.App)
	}
	next := "see its deploys: ssh HOST history " + string(s.App)
	switch {
	case s.Suspension != nil:
		next = "end the suspension: ssh HOST resume " + string(s.App)
	case s.Sync == deploy.Waits:
		next = "it is deployed when the window opens; before, with the right override: ssh HOST sync " + string(s.App) + ` --override "'REASON'"`
	case s.Sync == deploy.Held:
		next = "the newest commit was pushed with -o skip; deploy it: ssh HOST sync " + string(s.App)
	case s.Last != nil:
		next = "see what happened: ssh HOST show " + s.Last.ID()
	}
	is := string(s.Sync)
	if s.Health != "-" { // of an app without objects, or whose objects are not its own any more
		is += ", " + s.Health
	}
	return report.WithHint(fmt.Errorf("app %s is %s", s.App, is), "%s", next)
}

func printStatus(w io.Writer, list []deploy.Status, now time.Time) {
	if len(list) == 0 {
		fmt.Fprintln(w, "No apps yet. Push a repository to deploy one: git push ssh://HOST/NAME main")
		return
	}
	printOutages(w, list, now)
	table := newTable(w, "APP", "REVISION", "SYNC", "HEALTH", "DEPLOYED", "DRIFT")
	for _, s := range list {
		table.row(string(s.App), dash(s.Revision.Short()), string(s.Sync), s.Health, lastDeploy(s.Last, now), driftCell(s))
		for _, line := range details(s, now) {
			table.note(line)
		}
	}
	table.print()
}

// details returns the lines below an app with problems.
func details(s deploy.Status, now time.Time) []string {
	var lines []string
	if s.Running != "" {
		lines = append(lines, "going on: "+s.Running+"   (logs -f "+s.Running+")")
	}
	if s.Last != nil && s.Sync == deploy.NotSynced && s.Last.Message != "" {
		why := fewLines(s.Last.Message)
		why[0] += "   (show " + s.Last.ID() + ")"
		lines = append(lines, why...)
	}
	for _, symptom := range s.Sick {
		line := symptom.Object + ": " + symptom.State
		if symptom.Cause != "" {
			line += ": " + symptom.Cause
		}
		if unwell := now.Sub(symptom.Since); !symptom.Since.IsZero() && unwell >= time.Second {
			line += "   (" + manifest.Roughly(unwell) + ")"
		}
		lines = append(lines, line)
	}
	if s.Forbidden != "" {
		lines = append(lines, "held: "+s.Forbidden)
	}
	if s.Suspension != nil {
		lines = append(lines, suspended(*s.Suspension, now)+"   (resume "+string(s.App)+")")
	}
	if s.Window != nil {
		lines = append(lines, strings.Split(strings.ReplaceAll(s.Window.String(), "\n", "\n  "), "\n")...)
	}
	for _, found := range s.Found {
		lines = append(lines, "drift: "+found.Object+"  "+found.What)
	}
	for _, fight := range s.Fights {
		lines = append(lines, fmt.Sprintf("fighting: %s with %s, %d times", fight.Object, fight.With, fight.Times))
		if fight.Ignore != "" {
			lines = append(lines, "  leave it to them with ignore: ["+fight.Ignore+"]")
		}
	}
	for _, object := range s.Left {
		lines = append(lines, "left as it is: "+object)
	}
	if s.Unrendered != "" {
		lines = append(lines, "cannot be rendered: "+s.Unrendered, "it is kept as it was last applied; its branch is tried again by itself")
	}
	if s.Unselected != "" {
		lines = append(lines, "held: "+s.Unselected, "it is kept as it was last applied; have it go: ssh HOST sync "+string(s.App))
	}
	if s.Trouble != "" {
		lines = append(lines, fewLines("last check: "+s.Trouble)...)
	}
	return lines
}

// maxReasonLines bounds the lines of one reason in a table. The roles that an account lacks in
// one namespace are 14.
const maxReasonLines = 20

// fewLines splits a text into its lines, and drops those beyond maxReasonLines.
func fewLines(text string) []string {
	lines := strings.Split(text, "\n")
	if len(lines) > maxReasonLines {
		lines = append(lines[:maxReasonLines], "  ...")
	}
	return lines
}

// suspended says since when an app is suspended, by whom, and until when.
func suspended(s record.Suspension, now time.Time) string {
	text := "suspended " + ago(s.Since, now) + " by " + s.By
	if !s.Until.IsZero() {
		text += " until " + s.Until.UTC().Format("2006-01-02 15:04 UTC")
	}
	return text + ": " + s.Reason
}

// driftCell is the cell of an app's drift in the table of status.
func driftCell(s deploy.Status) string {
	text := "-"
	if len(s.Drift) > 0 {
		text = fmt.Sprint(len(s.Drift))
	}
	if s.Suspension != nil {
		text += ", suspended by " + s.Suspension.By
	}
	return text
}

func lastDeploy(r *record.Record, now time.Time) string {
	if r == nil {
		return "never"
	}
	if r.Result == record.Waiting {
		return "not yet, " + r.Operator
	}
	return ago(r.Started, now) + ", " + r.Operator
}

// printOutages names the clusters that are not seen, above everything else.
func printOutages(w io.Writer, list []deploy.Status, now time.Time) {
	told := map[string]bool{}
	for _, s := range list {
		if s.Outage != nil && !told[s.Outage.Cluster] {
			told[s.Outage.Cluster] = true
			fmt.Fprintf(w, "%s\n  what follows is as it was last seen\n\n", outage(s.Outage, now))
		}
	}
}

// outage says why a cluster is not seen, and since when.
func outage(o *deploy.Outage, now time.Time) string {
	what := "unreachable"
	switch {
	case o.Held:
		what = "held"
	case !o.Unreachable:
		what = "not seen in full"
	}
	return fmt.Sprintf("cluster %s: %s since %s (%s)\n  %s",
		o.Cluster, what, o.Since.UTC().Format("15:04 UTC"), manifest.Roughly(now.Sub(o.Since)), manifest.Clean(o.Error))
}

// ago writes the time since t, in one unit: "2 min ago".
func ago(t, now time.Time) string { return manifest.Roughly(now.Sub(t)) + " ago" }

// apps lists the sources and targets of the apps.
func apps(_ context.Context, c *call) error {
	list := c.visible()
	return c.print(list, func(w io.Writer) {
		table := newTable(w, "APP", "REPOSITORY", "BRANCH", "CLUSTER", "OBJECTS", "SCHEDULE")
		for _, s := range list {
			table.row(string(s.App), string(s.Repo), string(s.Branch), dash(s.Cluster), strconv.Itoa(s.Objects), dash(s.Schedule))
		}
		table.print()
	})
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// short abbreviates a commit as Git does by default.
