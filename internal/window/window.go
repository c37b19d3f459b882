// Package window says when deploys are open: by windows that allow or deny them, at times of
// a schedule or of the calendar. It reads windows as people write them, and answers for a
// time. It is a function of data: it knows no clock, no repository and no operator.
package window

import (
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Kind says what a window does while it is active.
type Kind string

// The kinds of windows.
const (
	Allow Kind = "allow" // deploys are closed while no window of the kind is active
	Deny  Kind = "deny"  // deploys are closed while it is active
)

// Refuse and Wait are what becomes of a push while deploys are closed.
const (
	Refuse = "refuse" // it is not accepted
	Wait   = "wait"   // it is accepted, and deployed when they open
)

// Always and InWindow say when drift is taken back.
const (
	Always   = "always"
	InWindow = "inWindow" // only while deploys are open
)

// Window is one window.
type Window struct {
	Name        string
	At          manifest.Source
	Kind        Kind
	Times       Times
	Reason      string // for whoever meets it closed; may be empty
	WhenClosed  string // Refuse or Wait
	Corrections string // Always or InWindow
}

// Set is the windows of one author. Deploys are open in it unless a window that denies is
// active, or there are windows that allow and none of them is. An empty set is open.
type Set []Window

// Sets are the windows of several authors: all of the sets have to be open.
type Sets []Set

// Verdict says whether deploys are open at a time.
type Verdict struct {
	bars []bar // none: they are open
}

// bar is a reason why deploys are closed: one window that denies, or the windows that allow,
// of which one would be enough.
type bar []Window

// Open reports whether deploys are open.
func (v Verdict) Open() bool { return len(v.bars) == 0 }

// At is the verdict for a time.
func (s Sets) At(t time.Time) Verdict {
	var v Verdict
	for _, set := range s {
		v.bars = append(v.bars, set.bars(t)...)
	}
	return v
}

func (s Set) bars(t time.Time) []bar {
	var bars []bar
	var allows bar
	allowed := false
	for _, w := range s {
		active := w.Times.Active(t)
		switch {
		case w.Kind == Allow:
			allows, allowed = append(allows, w), allowed || active
		case active:
			bars = append(bars, bar{w})
		}
	}
	if len(allows) > 0 && !allowed {
		bars = append(bars, allows)
	}
	return bars
}

// Waits reports whether a push is accepted now, and deployed later: every window that keeps
// it from being deployed says so.
func (v Verdict) Waits() bool {
	return !v.any(func(w Window) bool { return w.WhenClosed != Wait })
}

// Corrects reports whether drift is taken back now: no window that is closed withholds it.
func (v Verdict) Corrects() bool {
	return !v.any(func(w Window) bool { return w.Corrections == InWindow })
}

// any reports whether something holds for one of the windows that close deploys.
func (v Verdict) any(holds func(Window) bool) bool {
	return slices.ContainsFunc(v.bars, func(b bar) bool { return slices.ContainsFunc(b, holds) })
}

// Limits of a look into the future. Each step is to the next time at which the windows that
// close deploys may all have let go.
const (
	maxSteps = 1000
	horizon  = 400 * 24 * time.Hour
)

// NextOpen returns the first time from t on at which deploys are open. ok is false if there
// is none within about a year, or if it is behind more steps than the server looks.
func (s Sets) NextOpen(t time.Time) (at time.Time, ok bool) {
	end := t.Add(horizon)
	for range maxSteps {
		next, some := s.step(t)
		switch {
		case !some || next.After(end):
			return time.Time{}, false
		case next.Equal(t):
			return t, true
		}
		t = next
	}
	return time.Time{}, false
}

// step returns a time before which deploys are not open; t itself if they are open then.
// some is false if they never are.
func (s Sets) step(t time.Time) (next time.Time, some bool) {
	next = t
	for _, set := range s {
		at, some := set.step(t)
		if !some {
			return at, false
		}
		if at.After(next) {
			next = at
		}
	}
	return next, true
}

// step is Sets.step of one set.
func (s Set) step(t time.Time) (next time.Time, some bool) {
	next = t
	var allows time.Time // when the first of the windows that allow begins
	closed, allowed := false, false
	for _, w := range s {
		active, until := w.Times.state(t)
		switch {
		case w.Kind == Deny && active && until.After(next):
			next = until
		case w.Kind == Allow && active:
			allowed = true
		case w.Kind == Allow:
			closed = true
			if !until.IsZero() && (allows.IsZero() || until.Before(allows)) {
				allows = until
			}
		}
	}
	if !closed || allowed {
		return next, true
	}
	if allows.After(next) {
		next = allows
	}
	return next, !allows.IsZero()
}
