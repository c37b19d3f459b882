package deploy

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/window"
)

func TestWhatWindowsKeepBack(t *testing.T) {
	for what, test := range map[string]struct {
		r    request
		v    window.Verdict
		want bool
	}{
		"a new revision":                     {request{}, atNoon(freeze()), true},
		"the same, open":                     {request{}, atNoon(), false},
		"the same, overriding":               {request{overrides: true}, atNoon(freeze()), false},
		"a correction":                       {request{correction: true}, atNoon(freeze()), false},
		"a correction in windows only":       {request{correction: true}, atNoon(freeze(inWindow)), true},
		"the same, of a revision that did":   {request{correction: true, overrides: true}, atNoon(freeze(inWindow)), true},
		"a correction that the gate put off": {request{correction: true, postponed: true}, atNoon(freeze()), true},
		"the same, when they open":           {request{postponed: true}, atNoon(), false},
	} {
		if got := test.r.isShut(test.v); got != test.want {
			t.Errorf("%s: got %v", what, got)
		}
	}
}

// TestOpenings lets time pass until windows open.
func TestOpenings(t *testing.T) {
	for what, test := range map[string]struct {
		opens map[name.App]time.Duration // until the windows of each app open; 0: that is not known
		after time.Duration              // of the first look
	}{
		"one":              {map[name.App]time.Duration{"a": time.Minute}, time.Minute},
		"the first counts": {map[name.App]time.Duration{"a": 10 * time.Minute, "b": time.Minute, "c": 30 * time.Minute}, time.Minute},
		"in the past":      {map[name.App]time.Duration{"a": -time.Minute}, 0},
		"not known":        {map[name.App]time.Duration{"a": 0}, maxAppointment},
		"far away":         {map[name.App]time.Duration{"a": 400 * time.Hour}, maxAppointment},
		"none":             {nil, -1},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var o openings
				began, looked := time.Now(), time.Duration(-1)
				var apps []name.App
				ts := new(timers)
				for app, in := range test.opens {
					at := time.Time{}
					if in != 0 {
						at = began.Add(in)
					}
					o.note(app, at, ts, func() { looked, apps = time.Since(began), o.take() })
				}
				<-time.After(48 * time.Hour)
				synctest.Wait()
				if looked != test.after || len(apps) != len(test.opens) {
					t.Errorf("looked at %v after %s, want %s", apps, looked, test.after)
				}
				if left := o.take(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		})
	}
}

// waitingFor makes the windows of an engine closed for an hour.
func waitingFor(changes ...func(*window.Window)) Windows {
	w := freeze(append(changes, waiting)...)
	w.Times.From, w.Times.To = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	return windowed(w)
}

// TestDeployWaitsForWindow follows a deploy that waits, through retries and a restart of
// the server, until windows open.
func TestDeployWaitsForWindow(t *testing.T) {
	w := newWorked(t, shop())
	w.engine.Windows = waitingFor()
	j := pushed(w.queue)
	j.caller, j.push = access.Caller{Operator: "ana", Fingerprint: "SHA256:x"}, "p1"
	w.expect(t, w.attempt(j), endedHeld, record.Waiting)
	if s := w.status(); s.Sync != Waits || s.Window == nil || !s.Window.Waits || !slices.Equal(s.Window.Windows, []string{"freeze"}) {
		t.Errorf("its status is %s, %+v", s.Sync, s.Window)
	}
	for _, cause := range []record.Cause{record.CauseStart, record.CauseRetry, record.CauseWindow} {
		if at := w.attempt(systemJob(cause)); at.ending != endedHeld || len(w.kept.records) != 1 {
			t.Errorf("%s: ended %s, records %v", cause, at.ending, w.kept.records)
		}
	}
	if apps := w.engine.opening.take(); !slices.Equal(apps, []name.App{"shop"}) {
		t.Errorf("waiting: %v", apps)
	}
	w.engine.Windows = nil
	if s := w.status(); s.Sync == Waits || s.Window != nil {
		t.Errorf("open: its status is %s, %+v", s.Sync, s.Window)
	}
	due := w.windowJob()
	if due.caller.Operator != "ana" || due.caller.Fingerprint != "SHA256:x" || due.push != "p1" || due.cause != record.CauseWindow {
		t.Errorf("the deploy is of %+v", due)
	}
}

// TestWindowJobOfAnotherRevision: the operator of one deploy does not answer for the next.
func TestWindowJobOfAnotherRevision(t *testing.T) {
	w := newWorked(t, shop())
	w.remember(record.Record{App: "shop", Revision: "other", Result: record.Waiting, Operator: "ana"})
	if j := w.windowJob(); j.caller.Operator == "ana" || !j.caller.System {
		t.Errorf("the deploy is of %+v", j.caller)
	}
}

// TestOverrideIsOnRecord: a deploy that overrides windows begins, and its record says why.
func TestOverrideIsOnRecord(t *testing.T) {
	w := newWorked(t, shop(func(t *target) { t.override = "it burns" }))
	w.engine.Windows = waitingFor()
	at := w.newAttempt(pushed(w.queue))
	if e := at.judge(); e != eventDeploy {
		t.Errorf("it comes to %s", e)
	}
	if rec := w.newRecord(at.job, record.Deployed, ""); rec.Override != "it burns" {
		t.Errorf("the record is %+v", rec)
	}
}

// TestWindowsMovedLooksAtAppsThatWait: other rules may open windows.
func TestWindowsMovedLooksAtAppsThatWait(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", wanted("web"))
	o.opening.note("web", time.Time{}, &o.timers, o.WindowsMoved)
	o.opening.note("gone", time.Time{}, &o.timers, o.WindowsMoved)
	o.WindowsMoved()
	if j := queued(a); j == nil || j.cause != record.CauseWindow || !j.checks() {
		t.Errorf("its job is %+v", j)
	}
	o.WindowsMoved()
	if j := queued(a); j != nil {
		t.Errorf("it was looked at again: %+v", j)
	}
}
