package deploy

import (
	"errors"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// carried is an attempt that has applied something.
func (w *worked) carried() *attempt {
	at := w.newAttempt(w.planned())
	at.good = record.Deployed
	at.plan.Partial = true // a partial plan deletes nothing
	at.work = apply.New(apply.Order{App: at.site(at.target), Target: &at.target.Target, Plan: at.plan, Log: at.job.run, Wait: at.wait})
	return at
}

// hookedWork is work in which one hook has ended.
type hookedWork struct {
	work
	hook *record.HookResult
}

func (w hookedWork) Hooks() []record.HookResult { return []record.HookResult{*w.hook} }

func TestEventsOfPruning(t *testing.T) {
	w := newWorked(t, shop())
	if e := w.carried().prune(); e != eventDone {
		t.Errorf("of a deploy: got %s", e)
	}
	correction := w.carried()
	correction.good = record.Corrected
	if e := correction.prune(); e != eventCorrected {
		t.Errorf("of a correction: got %s", e)
	}
	removal := w.carried()
	removal.target.Gone = true
	if e := removal.prune(); e != eventRemoved {
		t.Errorf("of a removal: got %s", e)
	}
}

func TestRecordOfARemoval(t *testing.T) {
	w := newWorked(t, shop(func(t *target) { t.Gone = true }))
	at := w.carried()
	at.plan.Gone, at.plan.Moved = true, []plan.Step{{Action: record.Hand, Other: "store"}}
	if rec := at.account(); rec.Result != record.Removed || rec.Renamed != "store" {
		t.Errorf("got %+v", rec)
	}
	at.ending, at.why = endedFailed, "forbidden"
	if rec := at.account(); rec.Result != record.Failed || rec.Renamed != "" || rec.Message != "forbidden" {
		t.Errorf("after a failure: got %+v", rec)
	}
}

func TestKindsOfFailures(t *testing.T) {
	w := newWorked(t, shop())
	at := w.carried()
	if e := at.fail(errors.New("forbidden")); e != eventFailed || at.why != "forbidden" || at.finding.Result != CheckFailed {
		t.Errorf("got %s, %q, found %+v", e, at.why, at.finding)
	}
	at = w.carried()
	hook := &record.HookResult{Result: manifest.EndFailed, Phase: manifest.Sync.String()}
	at.work = hookedWork{at.work, hook}
	if e := at.fail(errors.New("hook failed")); e != eventHookFailed {
		t.Errorf("a hook: got %s", e)
	}
	hook.Phase = manifest.SyncFail.String()
	if e := at.fail(errors.New("forbidden")); e != eventFailed {
		t.Errorf("a hook for failures: got %s", e)
	}
	w.engine.cancel()
	if e := at.failUnlessStopped(errors.New("no answer")); e != eventInterrupted {
		t.Errorf("while the server stops: got %s", e)
	}
	if e := at.failUnlessStopped(nil); e != eventDone {
		t.Errorf("no failure: got %s", e)
	}
}

// TestAttemptsAfterAFailure: a retry of a failed attempt does not run the hooks for
// failures again.
func TestAttemptsAfterAFailure(t *testing.T) {
	w := newWorked(t, shop())
	retry := w.newAttempt(systemJob(record.CauseRetry))
	if retry.repeated() {
		t.Error("a retry before the first deploy counts as repeated")
	}
	w.remember(record.Record{Result: record.Unhealthy})
	if retry.repeated() {
		t.Error("a retry after a deploy that was applied counts as repeated")
	}
	w.remember(record.Record{Result: record.Failed})
	if !retry.repeated() || w.newAttempt(w.planned()).repeated() {
		t.Error("a retry after a failure does not count as repeated, or a push does")
	}
}

func TestCancelOfAnApp(t *testing.T) {
	w := newWorked(t, shop())
	if _, err := w.engine.Cancel("other", access.Caller{}); !errors.Is(err, ErrNoApp) {
		t.Errorf("got %v", err)
	}
	if _, err := w.engine.Cancel("shop", access.Caller{}); !errors.Is(err, ErrNothingGoesOn) {
		t.Errorf("got %v", err)
	}
	w.queue.addTests(newTestRun("shop"))
	w.queue.take()
	_, done := w.queue.wait(t.Context())
	defer done()
	if run, err := w.engine.Cancel("shop", access.Caller{Operator: "dora"}); err != nil || !run.IsTest() {
		t.Errorf("got %v, %v", run, err)
	}
}
