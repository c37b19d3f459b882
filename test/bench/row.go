package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// row is one promise in the table of numbers in design.md.
type row struct {
	name      string
	group     string // rows of a group share a cluster and a server
	title     string
	byDefault bool
	measure   func(ctx context.Context, l *lab) (*result, error)
}

// rows are all rows, in the order in which they are measured.
var rows = []row{
	{"first-deploy", "first", "200 objects, git push to all live and to all healthy", true, firstDeploy},
	{"first-apps", "first", "100 apps of 4 objects, git push to all live", true, firstApps},
	{"one-change", "app", "one changed object of 200, git push to live", true, oneChange},
	{"one-change-kubectl", "app", "the same, against kubectl apply of the folder", true, oneChangeKubectl},
	{"rights", "app", "one changed object of 200, under 1,000 rules, 500 operators and 200 grants", true, rights},
	{"no-op-check", "app", "a check of 200 objects that are as they should be", true, noOpCheck},
	{"drift", "app", "a hand edit of an owned field, until it is taken back", true, drift},
	{"git-transfer", "app", "push and clone of a repository of 100 MB", true, gitTransfer},
	{"render-kustomize", "render", "200 objects of a kustomization", true, renderKustomize},
	{"render-chart", "render", "a chart of 50 templates", true, renderChart},
	{"render-fleet", "render", "one changed app of many, rendered", true, renderFleet},
	{"start", "start", "start to ready, many repositories", true, startUp},
	{"backup", "backup", "many repositories to a backup and back", true, backups},
	{"fleet-first", "fleet", "many apps of 4 objects, one git push to all healthy", true, fleetFirst},
	{"fleet-one-change", "fleet", "one changed app of many, git push to live", true, fleetOneChange},
	{"fleet-no-op", "fleet", "a round of checks of all apps", true, fleetNoOp},
	{"idle", "fleet", "nothing to do, many apps", true, idle},
	{"scale-first", "scale", "10,000 objects in one app, git push to all live", false, scaleFirst},
	{"scale-one-change", "scale", "one changed object of 10,000", false, scaleOneChange},
	{"scale-beside", "scale", "a small app, while 10,000 objects of another are deployed", false, scaleBeside},
	{"scale-crd", "scale", "a definition with 5,000 objects", false, scaleCRD},
	{"scale-repos", "scale", "100 repositories, pushed one after the other", false, scaleRepos},
	{"pages-first", "pages", "10,000 apps, first byte of the overview", false, pagesFirst},
	{"pages-filter", "pages", "10,000 apps, the overview with a filter", false, pagesFilter},
	{"pages-tree", "pages", "the page of an app of 1,000 objects", false, pagesTree},
	{"pages-event", "pages", "an event in 200 open pages", false, pagesEvent},
	{"pages-memory", "pages", "memory of a page that is open", false, pagesMemory},
	{"pages-first-deploy", "pages", "first-deploy with 50 pages open", false, pagesFirstDeploy},
	{"pages-one-change", "pages", "one-change with 50 pages open", false, pagesOneChange},
	{"clusters-idle", "clusters", "100 clusters, nothing to do", false, clustersIdle},
	{"clusters-slow", "clusters", "a push to one cluster, while another takes 5 s for each answer", false, clustersSlow},
	{"size-one", "size-one", "one app of 4 objects, at rest", false, sizes(1, kindsOfObject, 60)},
	{"size-100", "size-100", "100 apps of 4 objects, at rest", false, sizes(100, kindsOfObject, 0)},
	{"size-1000", "size-1000", "1,000 apps of 4 objects, at rest", false, sizes(1000, kindsOfObject, 0)},
	{"size-large", "size-large", "one app of 10,000 objects, at rest", false, sizes(1, 10_000, 0)},
}

// series are the measurements of one subject, in seconds.
type series struct {
	of     string // the subject of the measurement
	values []float64
}

func (s *series) add(d time.Duration) { s.values = append(s.values, d.Seconds()) }

// quantile returns the smallest value that at least the share q of all values does not
// exceed; 0.5 is the (lower) median.
func (s series) quantile(q float64) float64 {
	if len(s.values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.values))
	rank := int(q * float64(len(sorted)))
	if float64(rank) == q*float64(len(sorted)) && rank > 0 {
		rank--
	}
	return sorted[min(rank, len(sorted)-1)]
}

func (s series) median() float64 { return s.quantile(0.5) }

func (s series) String() string {
	return fmt.Sprintf("%8.3f s  (%.3f to %.3f, n=%d)  %s", s.median(), s.quantile(0), s.quantile(1), len(s.values), s.of)
}

// fact is one figure, and the limit that it should keep.
type fact struct {
	what  string
	value float64
	unit  string
	limit float64 // meaningless if there is no goal
	goal  goal
}

type goal int

const (
	noGoal goal = iota
	atMost
	atLeast
)

// met reports whether the value keeps its limit. A fact without a goal is always met.
func (f fact) met() bool {
	return f.goal == noGoal || f.goal == atMost && f.value <= f.limit || f.goal == atLeast && f.value >= f.limit
}

func (f fact) goalWords() string {
	switch f.goal {
	case atMost:
		return "at most " + number(f.limit) + f.unit
	case atLeast:
		return "at least " + number(f.limit) + f.unit
	}
	return "-"
}

func (f fact) verdict() string {
	switch {
	case f.goal == noGoal:
		return "-"
	case f.met():
		return "met"
	}
	return "MISSED"
}

// number writes a value with three significant digits.
func number(v float64) string {
	switch {
	case v == float64(int64(v)):
		return fmt.Sprintf("%d", int64(v))
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// result is the measurement of one row.
type result struct {
	row    row
	series []*series
	facts  []fact
	notes  []string
}

func (r *result) fact(f fact) { r.facts = append(r.facts, f) }

func (r *result) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// ratio adds the ratio of the medians of two series.
func (r *result) ratio(ours, reference *series, g goal, limit float64) {
	r.series = append(r.series, ours, reference)
	r.fact(fact{what: "ratio", value: ours.median() / reference.median(), goal: g, limit: limit})
}

// String writes all about the row.
func (r *result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", r.row.name, r.row.title)
	for _, s := range r.series {
		fmt.Fprintf(&b, "  %s\n", s)
	}
	for _, f := range r.facts {
		fmt.Fprintf(&b, "  %-34s %8s%-6s goal: %-16s %s\n", f.what, number(f.value), f.unit, f.goalWords(), f.verdict())
	}
	for _, note := range r.notes {
		fmt.Fprintf(&b, "  %s\n", note)
	}
	return b.String()
}

// table has a line for each row: its goals, and whether they were met.
func table(results []*result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-19s %-34s %10s  %-16s %s\n", "row", "figure", "measured", "goal", "")
	met, goals := 0, 0
	for _, r := range results {
		for _, f := range r.facts {
			if f.goal == noGoal {
				continue
			}
			goals++
			if f.met() {
				met++
			}
			fmt.Fprintf(&b, "%-19s %-34s %10s  %-16s %s\n", r.row.name, f.what, number(f.value)+f.unit, f.goalWords(), f.verdict())
		}
	}
	fmt.Fprintf(&b, "%d of %d goals met", met, goals)
	return b.String()
}

// rounds is how often a row is measured.
func (l *lab) rounds(usual int) int {
	if l.settings.rounds > 0 {
		return l.settings.rounds
	}
	return usual
}
