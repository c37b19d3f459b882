package deploy

import (
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/window"
)

// openings have the apps looked at that wait for windows, when the first of these opens and
// whenever other windows come in force. Each is judged anew then, so nothing has to be kept:
// a server that starts judges all apps. The zero value has none.
type openings struct {
	mu      sync.Mutex
	waiting map[name.App]bool
	next    time.Time // of the appointment; zero for none
	cancel  func()
}

// maxAppointment bounds the wait for an appointment. Timers do not see the steps of a clock
// that is set: an app that waits is looked at this often at the least.
const maxAppointment = time.Hour

// note has an app looked at when its windows open; at is zero if that is not known. It may
// make an appointment with timers, which has due called under no lock.
func (o *openings) note(app name.App, at time.Time, timers *timers, due func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting == nil {
		o.waiting = map[name.App]bool{}
	}
	o.waiting[app] = true
	if soon := time.Now().Add(maxAppointment); at.IsZero() || at.After(soon) {
		at = soon
	}
	if !o.next.IsZero() && !at.Before(o.next) {
		return
	}
	if o.cancel != nil {
		o.cancel()
	}
	o.next, o.cancel = at, timers.after(max(time.Until(at), 0), due)
}

// take returns the apps that wait, and leaves none.
func (o *openings) take() []name.App {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cancel != nil {
		o.cancel()
	}
	var apps []name.App
	for app := range o.waiting {
		apps = append(apps, app)
	}
	o.waiting, o.next, o.cancel = nil, time.Time{}, nil
	return apps
}

// WindowsMoved has the apps looked at that wait for windows: some may be open now.
func (e *Engine) WindowsMoved() {
	for _, app := range e.opening.take() {
		if a := e.app(app); a != nil {
			a.enqueue(a.windowJob())
		}
	}
}

// windowJob looks whether the app can be deployed or corrected now. The deploy is that of
// the operator whose push has waited.
func (a *app) windowJob() *job {
	j := systemJob(record.CauseWindow)
	last := a.lastRecord()
	if t := a.wanted(); t != nil && last != nil && last.Result == record.Waiting && last.Revision == t.Revision {
		j.caller.Operator, j.caller.Fingerprint, j.push = last.Operator, last.Key, last.Push
		j.signed = record.Signed{Commits: last.SignedBy, Push: last.PushBy}
	}
	return j
}

// closing asks the app's windows about a target.
func (a *app) closing(t *target, now time.Time) closing {
	return a.engine.closingOf(t, a.engine.undeployed, now)
}

// undeployed returns the target of an app that windows may keep from being deployed; nil if
// there is none.
func (e *Engine) undeployed(app name.App) *target {
	a := e.app(app)
	if a == nil {
		return nil
	}
	if t := a.wanted(); t != nil && !a.settled(t) && t.override == "" {
		return t
	}
	return nil
}

// request is the relation of a deploy to the windows, as far as it decides whether they keep
// it back.
type request struct {
	postponed  bool // the gate accepted it for when they open
	correction bool // it brings nothing of Git to the cluster that was not there before
	overrides  bool
}

// isShut reports whether windows keep a deploy back.
func (r request) isShut(v window.Verdict) bool {
	switch {
	case v.Open():
		return false
	case r.postponed:
		return true
	case r.correction:
		return !v.Corrects()
	}
	return !r.overrides
}

// request is the deploy of a target that the gate has not postponed. Another rendering of a
// revision that was deployed already, with other values of the cluster, is a correction.
func (a *app) request(t *target) request {
	last := a.lastRecord()
	before := last != nil && last.Revision == t.Revision && (last.Result.Applied() || last.Result == record.DriftFound)
	return request{correction: before || a.settled(t), overrides: t.override != ""}
}

// awaitOpening has the app looked at when its windows open.
func (a *app) awaitOpening(t *target, c closing) {
	a.engine.opening.note(a.name, c.opening, &a.engine.timers, a.engine.WindowsMoved)
	if a.closing(t, time.Now()).verdict.Open() { // other windows came in force meanwhile
		a.engine.WindowsMoved()
	}
}

// waitsFor records that a deploy waits for windows.
func (at *attempt) waitsFor(c closing) {
	at.awaitOpening(at.target, c)
	last := at.lastRecord()
	at.quietly(record.Waiting, c.String())
	at.rec.StaysAt(last)
}

// leaveClosed leaves a revision that waits for windows.
func (at *attempt) leaveClosed(c closing) {
	at.awaitOpening(at.target, c)
	at.finding = Finding{Result: CheckDrifted, Message: "not deployed, it " + c.String()}
}

// leaveUntil leaves differences until windows open.
func (at *attempt) leaveUntil(c closing, news []plan.Step) stageEvent {
	at.awaitOpening(at.target, c)
	at.finding.Result, at.finding.Message = CheckDrifted, "left alone; its correction "+c.String()
	return at.leave(news, "until window "+c.verdict.Names()+" opens")
}

// waits reports whether windows keep the app from being brought to its target.
func (a *app) waits(t *target) bool {
	gone := t.Gone && a.removed()
	return !gone && !a.settled(t) && a.request(t).isShut(a.closing(t, time.Now()).verdict)
}
