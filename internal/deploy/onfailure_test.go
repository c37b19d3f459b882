package deploy

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// takenBack is an app with onFailure: rollback.
func takenBack(t *testing.T, rollback func(context.Context, record.Record) (Sequel, error)) *worked {
	w := newWorked(t, shop(func(t *target) { t.Spec.OnFailure = appfile.OnFailureRollback }))
	w.engine.OnFailure(rollback)
	return w
}

func TestWhatIsTakenBack(t *testing.T) {
	revision := shop().Revision
	failed := record.Record{Revision: revision, Result: record.Failed}
	for _, test := range []struct {
		name  string
		want  bool
		cause record.Cause
		rec   record.Record
		set   func(*worked)
	}{
		{"a push that failed", true, record.CausePush, failed, nil},
		{"a push that is not healthy", true, record.CausePush, record.Record{Revision: revision, Result: record.Unhealthy}, nil},
		{"a push that went well", false, record.CausePush, record.Record{Revision: revision, Result: record.Deployed}, nil},
		{"a push that was superseded", false, record.CausePush, record.Record{Revision: revision, Result: record.Superseded}, nil},
		{"a push that an operator cancelled", false, record.CausePush, record.Record{Revision: revision, Result: record.Failed, Cancelled: "dora"}, nil},
		{"a push of another revision than is wanted", false, record.CausePush, record.Record{Revision: "b", Result: record.Failed}, nil},
		{"a sync that failed", false, record.CauseSync, failed, nil},
		{"a retry that failed", false, record.CauseRetry, failed, nil},
		{"a push before another one", false, record.CausePush, failed, func(w *worked) { w.queue.add(w.planned()) }},
		{"a push before a check", true, record.CausePush, failed, func(w *worked) { w.queue.add(systemJob(record.CauseDrift)) }},
		{"a push of an app that is not to be", false, record.CausePush, failed, func(w *worked) { w.wanted().Spec.OnFailure = "" }},
		{"a removal", false, record.CausePush, failed, func(w *worked) { w.wanted().Gone = true }},
		{"a push that a start took up", true, record.CauseStart, failed, nil},
		{"the same, once tried", true, record.CauseStart, failed, func(w *worked) { w.remember(record.Record{Revision: revision, Undone: true}) }},
		{"a start after a rollback", false, record.CauseStart, failed, func(w *worked) { w.remember(record.Record{Revision: "b", Undone: true}) }},
		{"a start that tries again", false, record.CauseStart, failed, func(w *worked) { w.remember(record.Record{Revision: revision}) }},
	} {
		w := takenBack(t, func(context.Context, record.Record) (Sequel, error) { return Sequel{}, nil })
		if test.set != nil {
			test.set(w)
		}
		if got := w.rollsBack(systemJob(test.cause), test.rec); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}

func TestWatchersSeeTheRollback(t *testing.T) {
	back := newRun("shop", 2)
	back.Printf("taking it back")
	back.finish(record.Record{Result: record.Deployed})
	w := takenBack(t, func(_ context.Context, failed record.Record) (Sequel, error) {
		if !failed.Undone {
			t.Errorf("asked to take back %+v", failed)
		}
		return Sequel{Run: back, Closing: func(record.Record) string { return "it is back" }}, nil
	})
	j := w.planned()
	j.after = []*Run{newRun("db", 1)}
	j.after[0].finish(record.Record{Result: record.Failed})
	w.expect(t, w.attempt(j), endedFailed, record.Failed)
	var lines []string
	rec, err := j.run.Attach(t.Context(), func(line string) { lines = append(lines, line) })
	if err != nil || !rec.Undone || !strings.HasSuffix(strings.Join(lines, "\n"), "taking it back\nit is back") {
		t.Errorf("got %+v, %v:\n%s", rec, err, strings.Join(lines, "\n"))
	}
}

func TestRollbackThatFails(t *testing.T) {
	asked := 0
	w := takenBack(t, func(context.Context, record.Record) (Sequel, error) {
		asked++
		return Sequel{}, errors.New("no good deploy")
	})
	run := newRun("shop", 1)
	defer run.finish(record.Record{})
	if w.rollBack(run, record.Record{}); !strings.Contains(string(run.Log()), "error: shop: not rolled back: no good deploy") {
		t.Errorf("log:\n%s", run.Log())
	}
	start, check := systemJob(record.CauseStart), systemJob(record.CauseSchedule)
	w.rollBackLate(w.wanted(), start) // the app was never deployed
	w.remember(record.Record{Revision: w.wanted().Revision, Undone: true})
	w.rollBackLate(w.wanted(), check)
	if asked != 1 {
		t.Errorf("asked %d times, too often", asked)
	}
	if w.rollBackLate(w.wanted(), start); asked != 2 {
		t.Error("a rollback that was due when the server stopped was not made")
	}
}

// TestHeldAppIsTakenBackLate: an app that a failed hook holds at the server's start is
// rolled back at that time, if the rollback was due.
func TestHeldAppIsTakenBackLate(t *testing.T) {
	asked := 0
	w := takenBack(t, func(context.Context, record.Record) (Sequel, error) {
		asked++
		return Sequel{}, nil
	})
	hook := record.HookResult{Result: manifest.EndFailed, Phase: manifest.PreSync.String()}
	w.remember(record.Record{
		Result: record.Failed, Undone: true, Revision: w.wanted().Revision, Digest: w.digestFor(w.wanted()), Hooks: []record.HookResult{hook},
	})
	w.expect(t, w.attempt(systemJob(record.CauseRetry)), endedHeld, "")
	if asked != 0 {
		t.Error("a retry rolled the app back")
	}
	w.expect(t, w.attempt(systemJob(record.CauseStart)), endedHeld, "")
	if asked != 1 {
		t.Errorf("asked to roll back %d times, want once", asked)
	}
}

// TestCheckedAppIsTakenBackLate: a check that finds nothing to deploy still rolls the app
// back, if that was due.
func TestCheckedAppIsTakenBackLate(t *testing.T) {
	asked := 0
	w := takenBack(t, func(context.Context, record.Record) (Sequel, error) {
		asked++
		return Sequel{}, nil
	})
	at := w.newAttempt(systemJob(record.CauseStart))
	w.remember(record.Record{Result: record.Unhealthy, Undone: true, Revision: w.wanted().Revision})
	if at.closeCheck(); asked != 1 {
		t.Errorf("asked to roll back %d times, want once", asked)
	}
}
