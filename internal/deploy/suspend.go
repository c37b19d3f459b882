package deploy

import (
	"errors"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// Errors of Suspend and Resume.
var (
	ErrNoApp        = errors.New("there is no such app")
	ErrNotSuspended = errors.New("the app is not suspended")
)

// Suspend keeps an app from being deployed and corrected, until the given time
// if there is one. What goes on is finished. A suspended app is suspended anew.
func (e *Engine) Suspend(name string, s record.Suspension, caller access.Caller) (*Run, error) {
	a := e.app(name)
	if a == nil || a.removed() {
		return nil, ErrNoApp
	}
	s.Since = time.Now().UTC().Truncate(time.Second)
	a.setSuspension(&s)
	return a.recordQuiet(newJob(record.CauseSuspend, caller), record.Suspended, s.Reason), nil
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
	run := a.recordQuiet(newJob(record.CauseResume, caller), record.Resumed, "")
	if a.wanted() != nil {
		j := newJob(record.CauseResume, caller)
		a.queue.begin(j)
		run = j.run // another may take the job over
		a.enqueue(j)
	}
	return run, nil
}

// recordQuiet records what changed nothing on the cluster, see quietRecord.
func (a *app) recordQuiet(j *job, result record.Result, message string) *Run {
	rec := a.quietRecord(j, result, message)
	a.finish(j, nil, rec)
	return j.run
}

// quietRecord is the record of what changed nothing on the cluster: that the app was
// suspended or resumed, that a deploy has to wait, or that drift was found and left. It
// carries on what the cluster has, and gives the job a run if it has none.
func (a *app) quietRecord(j *job, result record.Result, message string, found ...plan.Step) record.Record {
	if j.run == nil {
		a.queue.begin(j)
	}
	rec := a.newRecord(j, result, message)
	rec.CarryOn(a.lastRecord())
	rec.Objects, rec.Same = left(found), a.ledger.Count()-len(found)
	return rec
}

// suspension returns what keeps the app from being deployed; nil for nothing.
func (a *app) suspension() *record.Suspension {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.suspended
}

// setSuspension suspends the app, or resumes it with nil, and sees to the end
// of the time that was given.
func (a *app) setSuspension(s *record.Suspension) {
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
func (a *app) timeIsOver(s *record.Suspension) {
	if a.engine.ctx.Err() == nil && a.suspension() == s {
		_, _ = a.engine.Resume(a.name, access.System("until")) // somebody else was faster, if it is an error
	}
}
