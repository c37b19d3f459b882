package deploy

import (
	"errors"
	"fmt"
	"time"

	"github.com/pushboat/pushboat/internal/access"
)

// Suspension keeps an app from being deployed and corrected, so that people can
// work on the cluster by hand. It is part of every record while it lasts, and
// so outlives the server.
type Suspension struct {
	By     string    `json:"by"` // operator
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: until somebody resumes it
	Reason string    `json:"reason"`
}

// Errors of Suspend and Resume.
var (
	ErrNoApp        = errors.New("there is no such app")
	ErrNotSuspended = errors.New("the app is not suspended")
)

// Suspend keeps an app from being deployed and corrected, until the given time
// if there is one. What goes on is finished. A suspended app is suspended anew.
func (e *Engine) Suspend(name string, s Suspension, caller access.Caller) (*Run, error) {
	a := e.app(name)
	if a == nil || a.removed() {
		return nil, ErrNoApp
	}
	s.Since = time.Now().UTC().Truncate(time.Second)
	a.setSuspension(&s)
	return a.recordQuiet(&job{cause: CauseSuspend, caller: caller}, Suspended, s.Reason), nil
}

// Resume ends a suspension, and has the app brought to what its branch says.
func (e *Engine) Resume(name string, caller access.Caller) (*Run, error) {
	a := e.app(name)
	if a == nil {
		return nil, ErrNoApp
	}
	if a.suspension() == nil {
		return nil, ErrNotSuspended
	}
	a.setSuspension(nil)
	run := a.recordQuiet(&job{cause: CauseResume, caller: caller}, Resumed, "")
	if a.wanted() != nil {
		run = a.newRun()
		a.enqueue(&job{cause: CauseResume, caller: caller, run: run})
	}
	return run, nil
}

// recordQuiet records what changed nothing on the cluster: that the app was
// suspended or resumed, that a deploy has to wait, or that drift was found and
// left. The record carries on what the cluster has.
func (a *app) recordQuiet(j *job, result Result, message string, found ...Step) *Run {
	if j.run == nil {
		a.begin(j)
	}
	record := a.newRecord(j, result, message)
	record.carryOn(a.lastRecord())
	record.Objects, record.Same = left(found), a.objectCount()-len(found)
	a.finish(j, record)
	return j.run
}

// suspension returns what keeps the app from being deployed; nil for nothing.
func (a *app) suspension() *Suspension {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.suspended
}

// setSuspension suspends the app, or resumes it with nil, and sees to the end
// of the time that was given.
func (a *app) setSuspension(s *Suspension) {
	defer a.engine.bell.ring()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.suspended = s
	if a.alarm != nil {
		a.alarm.Stop()
		a.alarm = nil
	}
	if s != nil && !s.Until.IsZero() {
		a.alarm = time.AfterFunc(max(time.Until(s.Until), 0), func() { a.timeIsOver(s) })
	}
}

// timeIsOver resumes an app whose suspension was to last until now.
func (a *app) timeIsOver(s *Suspension) {
	if a.engine.ctx.Err() == nil && a.suspension() == s {
		_, _ = a.engine.Resume(a.name, access.System("until")) // somebody else was faster, if it is an error
	}
}

// describe says by whom, since when and how long, and why.
func (s Suspension) describe() string {
	text := "suspended by " + s.By
	if !s.Until.IsZero() {
		text += " until " + s.Until.UTC().Format("2006-01-02 15:04 UTC")
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}

// heldText is the outcome of what a suspension kept from being done.
func heldText(r Record) string {
	if r.Cause == CauseSuspend {
		return fmt.Sprintf("%s: %s (deploy %s)\nhint: end it with: ssh HOST resume %s", r.App, r.Suspension.describe(), r.ID(), r.App)
	}
	return fmt.Sprintf("%s: %s stored, not deployed (deploy %s)\n  %s\nhint: deploy it with: ssh HOST resume %s",
		r.App, short(r.Revision), r.ID(), r.Suspension.describe(), r.App)
}
