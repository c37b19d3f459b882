package deploy

import (
	"errors"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// Errors of Suspend and Resume.
var (
	ErrNoApp        = errors.New("there is no such app")
	ErrNotSuspended = errors.New("the app is not suspended")
)

// Suspend keeps an app from being deployed and corrected, until the given time if there
// is one. Running work is finished. Suspending again replaces the suspension.
func (e *Engine) Suspend(app name.App, s record.Suspension, caller access.Caller) (*Run, error) {
	a := e.app(app)
	if a == nil || a.removed() {
		return nil, ErrNoApp
	}
	s.Since = time.Now().UTC().Truncate(time.Second)
	a.suspended.set(&s)
	e.bell.ring(app)
	return a.recordQuiet(newJob(record.CauseSuspend, caller), record.Suspended, s.Reason), nil
}

// Resume ends a suspension, and brings the app to its branch's state. The error is a *RivalError
// if the app was given back to another tool that deploys it.
func (e *Engine) Resume(app name.App, caller access.Caller) (*Run, error) {
	a := e.app(app)
	if a == nil {
		return nil, ErrNoApp
	}
	if a.suspended.current() != nil {
		if rival := a.rivalOf(); rival != nil {
			return nil, rival
		}
	}
	if !a.suspended.end() {
		return nil, ErrNotSuspended
	}
	return a.resumed(caller), nil
}

// resumed records the end of a suspension, and brings the app to its branch's state.
func (a *app) resumed(caller access.Caller) *Run {
	a.engine.bell.ring(a.name)
	run := a.recordQuiet(newJob(record.CauseResume, caller), record.Resumed, "")
	if a.wanted() != nil {
		j := newJob(record.CauseResume, caller)
		a.queue.begin(j)
		run = j.run // another may take the job over
		a.enqueue(j)
	}
	return run
}

// recordQuiet records an event without changes on the cluster, see quietRecord.
func (a *app) recordQuiet(j *job, result record.Result, message string) *Run {
	rec := a.quietRecord(j, result, message)
	a.finish(j, nil, rec)
	return j.run
}

// quietRecord is the record of an event without changes on the cluster: the app was
// suspended or resumed, a deploy has to wait, or drift was found and left. It carries
// on the state of the cluster, and gives the job a run if it has none.
func (a *app) quietRecord(j *job, result record.Result, message string, found ...plan.Step) record.Record {
	if j.run == nil {
		a.queue.begin(j)
	}
	rec := a.newRecord(j, result, message)
	rec.CarryOn(a.lastRecord())
	rec.Objects, rec.Same = leftAlone(found), a.ledger.Count()-len(found)
	return rec
}

// timeIsOver resumes an app whose suspension ends now. A server that stops leaves that
// to the next one.
func (a *app) timeIsOver(s *record.Suspension) {
	if a.engine.ctx.Err() == nil && a.suspended.expire(s) {
		a.resumed(access.System("until"))
	}
}
