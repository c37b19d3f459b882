package deploy

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/window"
)

// Windows are the windows of the server's rules for what is deployed from a branch to a
// cluster.
type Windows func(repo name.Repo, branch name.Branch, cluster string) window.Set

// closing is the answer of an app's windows at a time.
type closing struct {
	verdict window.Verdict
	at      time.Time
	opening time.Time // when they are open, if they are closed now; zero: not within about a year
}

// String names the windows that are closed, and says in a second line when they open.
func (c closing) String() string {
	return fmt.Sprintf("waits for window %s,\nwhich %s", c.verdict.Names(), c.verdict.Opening(c.opening, c.at))
}

// why says why deploys are closed, and in a second line when they open.
func (c closing) why() string {
	return fmt.Sprintf("%s;\nit %s", c.verdict.Why(), c.verdict.Opening(c.opening, c.at))
}

// ask asks windows about a time.
func ask(sets window.Sets, now time.Time) closing {
	c := closing{verdict: sets.At(now), at: now}
	if !c.verdict.Open() {
		c.opening, _ = sets.NextOpen(now)
	}
	return c
}

// opens reports whether deploys are open within about a year.
func (c closing) opens() bool { return c.verdict.Open() || !c.opening.IsZero() }

// windowsOf returns the windows of a target, and those of the apps that it waits for: of
// returns the target of one that is still to be deployed, nil for none.
func (e *Engine) windowsOf(t *target, of func(name.App) *target) window.Sets {
	var sets window.Sets
	seen := map[name.App]bool{}
	var visit func(t *target)
	visit = func(t *target) {
		if t == nil || seen[t.Spec.Name] {
			return
		}
		seen[t.Spec.Name] = true
		if len(t.Spec.Windows) > 0 {
			sets = append(sets, t.Spec.Windows)
		}
		if e.Windows != nil {
			sets = append(sets, e.Windows(t.Repo, t.Spec.Branch, t.Spec.Cluster))
		}
		for _, app := range t.Spec.DependsOn {
			visit(of(app))
		}
	}
	visit(t)
	return sets
}

// closingOf asks the windows of a target about a time.
func (e *Engine) closingOf(t *target, of func(name.App) *target, now time.Time) closing {
	return ask(e.windowsOf(t, of), now)
}

// admission is the gate's answer to one app of a change.
type admission int

// The admissions.
const (
	admitted   admission = iota // the windows are open
	overridden                  // they are closed, and the app is deployed nevertheless
	postponed                   // the change is accepted, and the app is deployed when they open
	refused
)

// admit decides about an app. override says that the change overrides windows, which its
// door has checked; again, that the app waits already to be brought to the same target;
// opens, that the windows open again.
func admit(v window.Verdict, override, again, opens bool) admission {
	switch {
	case v.Open():
		return admitted
	case override:
		return overridden
	case again, opens && v.Waits():
		return postponed
	}
	return refused
}

// undoReason is the reason for which a rollback by the server itself overrides windows: it
// takes back a deploy that the windows had admitted.
const undoReason = "onFailure: rollback"

// overrides returns the reason for which the change may override the windows of an app; ""
// for none. again says that the app is to be brought to the same target already: a rollback
// of another app leaves it as admitted as it was.
func (p *Proposal) overrides(t *target) (reason string, again bool) {
	reason = p.Options.Override
	if p.Options.Undo {
		reason = undoReason
	}
	a := p.engine.app(t.Spec.Name)
	if a == nil || a.settled(t) {
		return reason, false
	}
	old := a.wanted()
	if again = old != nil && old.Digest == t.Digest; again && p.Cause == record.CauseRollback {
		return old.override, true
	}
	return reason, again
}

// judgeWindows decides which apps of the change are deployed now, and refuses the change if
// one of them may neither be deployed nor wait. A plan alone only tells of that.
func (p *Proposal) judgeWindows(now time.Time) manifest.Problems {
	var problems manifest.Problems
	p.closed, p.override = map[name.App]closing{}, map[name.App]string{}
	for _, t := range p.targets {
		if own := p.engine.neverOpen(t, now); own != nil {
			problems = append(problems, *own)
			continue
		}
		if !p.touches(t) {
			continue
		}
		c := p.engine.closingOf(t, p.changing, now)
		reason, again := p.overrides(t)
		switch admit(c.verdict, reason != "", again, c.opens()) {
		case admitted:
		case overridden:
			p.override[t.Spec.Name] = reason
		case postponed:
			p.closed[t.Spec.Name] = c
		case refused:
			if p.Options.Plan {
				p.closed[t.Spec.Name] = c
				continue
			}
			problems = append(problems, c.problem(t))
		}
	}
	return problems
}

// touches reports whether the change would alter the app on its cluster.
func (p *Proposal) touches(t *target) bool {
	todo, a := p.changed[t.Spec.Name], p.engine.app(t.Spec.Name)
	if todo == nil || a == nil || p.Only != "" {
		return todo != nil
	}
	return todo.HasEffect() || !a.settled(t)
}

// changing returns the target of an app that the change would deploy; nil if there is none.
func (p *Proposal) changing(app name.App) *target {
	for _, t := range p.targets {
		if t.Spec.Name == app && p.changed[app] != nil {
			return t
		}
	}
	return nil
}

// neverOpen is the problem of an app whose own windows never open, alone or with those of
// the server's rules; nil if they do.
func (e *Engine) neverOpen(t *target, now time.Time) *manifest.Problem {
	if len(t.Spec.Windows) == 0 {
		return nil
	}
	for _, sets := range []window.Sets{{t.Spec.Windows}, e.windowsOf(t, func(name.App) *target { return nil })} {
		if c := ask(sets, now); !c.opens() {
			return &manifest.Problem{
				App: t.Spec.Name, Source: t.Spec.Windows[0].At,
				Message: fmt.Sprintf("app %s could never be deployed:\n%s", t.Spec.Name, c.why()),
				Hint:    "give the app windows that are open at some time within a year, or remove them",
			}
		}
	}
	return nil
}

// problem refuses a change of an app.
func (c closing) problem(t *target) manifest.Problem {
	problem := manifest.Problem{
		App: t.Spec.Name, Source: t.Spec.Source,
		Message: fmt.Sprintf("app %s cannot be deployed now:\n%s", t.Spec.Name, c.why()),
		Hint:    "wait until then",
		Remedy:  manifest.Remedy{Kind: manifest.RemedyOverride},
	}
	if !c.opens() {
		problem.Hint = "ask an admin for other windows"
	}
	return problem
}

// Overridden returns the reason for which the change overrides windows; "" if it overrides
// none.
func (p *Proposal) Overridden() string {
	for _, reason := range p.override {
		return reason
	}
	return ""
}

// printWindows says which apps are deployed later, and which although windows are closed.
func (p *Proposal) printWindows(w io.Writer) {
	for _, app := range slices.Sorted(maps.Keys(p.closed)) {
		c := p.closed[app]
		if c.verdict.Waits() {
			fmt.Fprintf(w, "%s: %s\n", app, indented(c.String()))
			continue
		}
		fmt.Fprintf(w, "%s: would be refused now:\n  %s\n", app, indented(c.why()))
	}
	for _, app := range slices.Sorted(maps.Keys(p.override)) {
		fmt.Fprintf(w, "%s: deployed although a window is closed: %q\n", app, p.override[app])
	}
}

// indented has the lines after the first stand below it.
func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n  ") }
