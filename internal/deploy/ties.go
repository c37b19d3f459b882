package deploy

import (
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/window"
)

// Ties are what an app's deploys depend on, beside its objects.
type Ties struct {
	Needs    []name.App  // the apps that are deployed before it
	NeededBy []name.App  // those that are deployed after it
	Windows  []WindowNow // its own, and those of the server's rules
	Tests    bool        // whether it has tests to run
}

// WindowNow is a window of an app, at a time.
type WindowNow struct {
	Name   string
	Text   string // when it allows or denies deploys
	Reason string
	Open   bool // it lets deploys through now
}

// Ties returns the ties of an app; ok is false if there is none, or nothing of it is wanted.
func (e *Engine) Ties(app name.App, now time.Time) (ties Ties, ok bool) {
	t := e.wantedOf(app)
	if t == nil {
		return Ties{}, false
	}
	ties.Needs, ties.NeededBy = e.Neighbours(app)
	own := t.Spec.Windows
	if e.Windows != nil {
		own = slices.Concat(own, e.Windows(t.Repo, t.Spec.Branch, t.Spec.Cluster))
	}
	ties.Windows = windowsAt(own, now)
	ties.Tests = slices.ContainsFunc(t.Objects, func(o *manifest.Object) bool {
		policy, _ := o.Policy()
		return policy.Phase.Has(manifest.Test) && !policy.Phase.Has(manifest.Skip)
	})
	return ties, true
}

// Neighbours are the apps that are deployed before an app, and those after it.
func (e *Engine) Neighbours(app name.App) (needs, neededBy []name.App) {
	t := e.wantedOf(app)
	if t == nil {
		return nil, nil
	}
	for _, other := range e.appsOn(t.Repo, t.Spec.Branch) {
		if w := other.wanted(); w != nil && !w.Gone && slices.Contains(w.Spec.DependsOn, app) {
			neededBy = append(neededBy, other.name)
		}
	}
	return slices.Clone(t.Spec.DependsOn), neededBy
}

// windowsAt says of each window whether it lets deploys through.
func windowsAt(set window.Set, now time.Time) []WindowNow {
	var list []WindowNow
	for _, w := range set {
		list = append(list, WindowNow{
			Name: w.Name, Text: w.Text(), Reason: w.Reason, Open: w.Times.Active(now) == (w.Kind == window.Allow),
		})
	}
	return list
}
