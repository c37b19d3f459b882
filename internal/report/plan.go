package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// What a plan shows at most, so that a push of thousands of objects stays
// readable. The full plan is in the record.
const (
	maxPlanObjects = 60
	maxPlanFields  = 12
)

var signs = map[record.Action]string{record.Create: "+", record.Configure: "~", record.Recreate: "!", record.Delete: "-", record.Release: "=", record.Unchanged: "=", record.Hand: "<", record.Hook: ">"}

// WritePlan writes a plan as the pusher sees it: a line an object, the fields
// that change, and the counts.
func WritePlan(w io.Writer, p *plan.Plan) {
	fmt.Fprintf(w, "%s: plan for cluster %s, %s\n", p.App, p.Cluster, p.Revision.Short())
	if app := p.RenamedTo(); app != "" {
		fmt.Fprintf(w, "  renamed to %s, which takes over all it has (%s)\n", app, manifest.Plural(len(p.Moved), "object"))
		return
	}
	if text := fatesText(p.Generated); text != "" {
		fmt.Fprintf(w, "  %s\n", manifest.Clean(text))
	}
	for _, text := range p.Took() {
		fmt.Fprintf(w, "  %s\n", manifest.Clean(text))
	}
	if p.Kept > 0 && p.Target != nil && p.Target.GivenTo != "" {
		fmt.Fprintf(w, "  released to repository %s; kept on the cluster until it deploys the app: %s\n", p.Target.GivenTo, manifest.Plural(p.Kept, "object"))
	} else if p.Kept > 0 {
		fmt.Fprintln(w, manifest.Clean(fmt.Sprintf("  %s; %s on the cluster (%s)", p.Left(), manifest.PluralDoes(p.Kept, "object", "stays", "stay"), whyKept(p))))
	}
	steps := append(append(p.Changes(), p.Moved...), p.LeftAlone()...)
	changes, moving := moves(steps)
	for i, step := range changes {
		if i == maxPlanObjects {
			fmt.Fprintf(w, "  ... and %d more\n", len(changes)-i)
			break
		}
		printStep(w, step)
	}
	for _, step := range p.Dying {
		fmt.Fprintln(w, manifest.Clean(fmt.Sprintf("  - %s  (%s)", step.ID, step.Note)))
	}
	for i, step := range p.Outside {
		if i == maxPlanObjects {
			fmt.Fprintf(w, "    ... and %d more that are kept\n", len(p.Outside)-i)
			break
		}
		fmt.Fprintln(w, manifest.Clean(fmt.Sprintf("    %s  (%s)", step.ID, step.Note)))
	}
	for _, line := range moving {
		fmt.Fprintln(w, line)
	}
	hooks := p.ShownHooks()
	for i, step := range hooks {
		if i == maxPlanObjects {
			fmt.Fprintf(w, "  ... and %d more hooks\n", len(hooks)-i)
			break
		}
		fmt.Fprintln(w, manifest.Clean(fmt.Sprintf("  %s %s  (hook: %s)", signs[record.Hook], step.ID, step.Policy.Phase)))
	}
	if text := legend(steps, len(hooks) > 0); text != "" {
		fmt.Fprintf(w, "  %s\n", text)
	}
	summary := countsText(p.Counts())
	switch {
	case len(hooks) > 0 && p.Empty():
		summary = "nothing to apply, " + manifest.Plural(len(hooks), "hook")
	case len(hooks) > 0:
		summary += ", " + manifest.Plural(len(hooks), "hook")
	}
	fmt.Fprintf(w, "  %s\n", summary)
}

// whyKept says why the objects of an app that is gone stay.
func whyKept(p *plan.Plan) string {
	if p.Target == nil || p.Target.Stays == "" {
		return appfile.PruneOff
	}
	return p.Target.Stays
}

// meanings are the actions whose signs a plan shows, in words, in the order of a
// legend.
var meanings = []struct {
	action record.Action
	text   string
}{
	{record.Create, "create"},
	{record.Configure, "change"},
	{record.Recreate, "delete and make again"},
	{record.Delete, "delete"},
	{record.Release, "leave as it is"},
	{record.Hand, "hand over"},
	{record.Hook, "run"},
}

// legend explains the signs that a plan has.
func legend(steps []plan.Step, hooks bool) string {
	used := map[string]bool{signs[record.Hook]: hooks}
	for _, step := range steps {
		used[signs[step.Action]] = true
	}
	var parts []string
	for _, m := range meanings {
		if sign := signs[m.action]; used[sign] {
			parts = append(parts, sign+" "+m.text)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "signs: " + strings.Join(parts, ", ")
}

// maxMoves is how many objects that come from one app, or go to one, and do not
// change else have a line each.
const maxMoves = 10

// moves takes objects that only change hands out of the steps where they are
// many, and says in one line for each other app how many they are.
func moves(steps []plan.Step) (others []plan.Step, lines []string) {
	count := map[string]int{}
	for _, step := range steps {
		if step.OnlyMoves() {
			count[step.Note]++
		}
	}
	told := map[string]bool{}
	for _, step := range steps {
		n := count[step.Note]
		switch {
		case !step.OnlyMoves() || n <= maxMoves:
			others = append(others, step)
		case !told[step.Note]:
			lines = append(lines, fmt.Sprintf("  %s %s  (%s)", signs[step.Action], manifest.Plural(n, "object"), step.Note))
			told[step.Note] = true
		}
	}
	return others, lines
}

func printStep(w io.Writer, s plan.Step) {
	line := fmt.Sprintf("  %s %s", signs[s.Action], s.ID)
	switch {
	case s.Action == record.Recreate:
		line += "  (deleted and made again)"
	case s.Note != "":
		line += "  (" + s.Note + ")"
	}
	fmt.Fprintln(w, manifest.Clean(line))
	for i, change := range s.Changes {
		if i == maxPlanFields {
			fmt.Fprintf(w, "      ... and %d more fields\n", len(s.Changes)-i)
			return
		}
		fmt.Fprintf(w, "      %s\n        %s\n", manifest.Clean(change.Path), manifest.Clean(DescribeChange(change)))
	}
}

// DescribeChange writes the change of a field: "1.4 -> 1.5".
func DescribeChange(change manifest.Change) string {
	switch change.Kind {
	case manifest.Added:
		return "added: " + change.After
	case manifest.Removed:
		return "removed: " + change.Before
	}
	return change.Before + " -> " + change.After
}

// countsText writes the counts that are not zero: "1 to change, 198 unchanged".
func countsText(c plan.Counts) string {
	var parts []string
	for _, part := range []struct {
		n    int
		text string
	}{{c.Create, "to create"}, {c.Change, "to change"}, {c.Delete, "to delete"}, {c.Release, "to release"}, {c.Move, "to move"}, {c.Unchanged, "unchanged"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}

// maxFates is how many generated values a plan names.
const maxFates = 10

// fatesText writes the fates of generated values in a line; "" for none.
func fatesText(fates []plan.Fate) string {
	var parts []string
	for i, f := range fates {
		if i == maxFates {
			parts = append(parts, fmt.Sprintf("and %d more", len(fates)-i))
			break
		}
		parts = append(parts, f.Path+" "+f.Is)
	}
	if len(parts) == 0 {
		return ""
	}
	return "values generated once: " + strings.Join(parts, ", ")
}

// maxNames is how many apps are named that come or leave with a push.
const maxNames = 10

// WriteApps names apps that come or leave, ten at most; it writes nothing for none.
func WriteApps(w io.Writer, what string, apps []name.App) {
	if len(apps) == 0 {
		return
	}
	shown := name.Join(apps[:min(len(apps), maxNames)], ", ")
	if more := len(apps) - maxNames; more > 0 {
		shown += fmt.Sprintf(" and %d more", more)
	}
	fmt.Fprintf(w, "%s %s: %s\n", manifest.Plural(len(apps), "app"), what, shown)
}
