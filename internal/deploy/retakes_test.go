package deploy

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// lost is the step of an object that has lost the labels by which it belongs to the app.
func lost(i int) plan.Step {
	id := manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: fmt.Sprint("c", i)}
	return plan.Step{ID: id, Action: record.Configure, Retakes: true, Entry: live.Entry{ID: id, UID: "u", ResourceVersion: "7"}}
}

// carried is the type that Engine.carry returns. Its own name is hidden by a variable.
type carried = work

func lostOnes(n int) (steps []plan.Step) {
	for i := range n {
		steps = append(steps, lost(i))
	}
	return steps
}

// TestPace takes objects back at given times, in milliseconds.
func TestPace(t *testing.T) {
	p, began := &pace{}, time.Now()
	for i, test := range []struct {
		at, n int
		now   bool
		wait  time.Duration // of a reservation, which is made unless the objects may be taken back at once
	}{
		{0, 4, true, 0},
		{0, 6, true, 0},
		{0, 1, false, 100 * time.Millisecond},
		{50, 10, false, 1050 * time.Millisecond},
		{1100, 1, false, 100 * time.Millisecond},
		{60_000, 11, false, 100 * time.Millisecond},
		{120_000, 10, true, 0},
	} {
		now := began.Add(time.Duration(test.at) * time.Millisecond)
		if got := p.take(now, test.n); got != test.now {
			t.Errorf("step %d: at once: %v", i, got)
		}
		if test.now {
			continue
		}
		if got := p.reserve(now, test.n); got != test.wait {
			t.Errorf("step %d: waits %s, want %s", i, got, test.wait)
		}
	}
}

func TestFewObjectsAreTakenBackAsDrift(t *testing.T) {
	w := newWorked(t, shop())
	at := w.checked(lostOnes(retakeBatch)...)
	if e := at.seeTo(at.plan); e != eventDiffers || len(at.plan.Changes()) != retakeBatch {
		t.Errorf("got %s, with %d changes", e, len(at.plan.Changes()))
	}
}

// TestManyObjectsAreTakenBackByAndBy: if an app has lost more objects than one look takes
// back, that is no drift. The check finds the app unchanged, and later looks take back a
// few objects at a time, each of them once.
func TestManyObjectsAreTakenBackByAndBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorked(t, shop())
		defer w.engine.timers.stop()
		work := &fakeWork{}
		w.engine.carry = func(o apply.Order) carried { work.order, work.done = o, o.Plan.Changes(); return work }
		steps := lostOnes(25)
		began := time.Now()
		at := w.checked(slices.Clone(steps)...)
		if e := at.seeTo(at.plan); e != eventNothing || at.finding.Result != CheckUnchanged || at.job.run != nil {
			t.Errorf("the check: got %s, found %+v", e, at.finding)
		}
		seen := map[manifest.ID]bool{}
		for _, want := range []struct {
			n     int
			after time.Duration
		}{{10, 0}, {10, time.Second}, {5, 1500 * time.Millisecond}} {
			<-w.queue.wake
			if took := time.Since(began); took != want.after {
				t.Errorf("%d objects after %s, want %s", want.n, took, want.after)
			}
			synctest.Wait() // the queue wakes at the first of the objects
			j, _ := w.queue.take()
			if j.kind != lookJob || len(j.looks) != want.n {
				t.Fatalf("a job with %d looks, want %d", len(j.looks), want.n)
			}
			look := w.newAttempt(j)
			look.plan = &plan.Plan{App: "shop", Cluster: "default", Partial: true}
			for id := range j.looks {
				seen[id] = true
				for _, step := range steps {
					if step.ID == id {
						look.plan.Steps = append(look.plan.Steps, step)
					}
				}
			}
			if e := look.seeTo(look.plan); e != eventNothing || look.job.run != nil || !work.order.Corrects {
				t.Errorf("a look: got %s", e)
			}
			w.queue.rest()
			synctest.Wait()
		}
		if len(seen) != 25 || w.retakes.appoint() != 0 {
			t.Errorf("%d objects were taken back", len(seen))
		}
	})
}

func TestWhoseObjectsAreLeft(t *testing.T) {
	for name, change := range map[string]func(*worked){
		"the app is suspended": func(w *worked) { w.suspended.set(&record.Suspension{By: "dora"}) },
		"its drift is off":     func(w *worked) { w.setWant(shop(onDrift(appfile.DriftOff))) },
	} {
		w := newWorked(t, shop())
		change(w)
		at := w.checked(lostOnes(2)...)
		if e := at.seeTo(at.plan); e != eventNothing || at.finding.Result != CheckUnchanged || len(w.retakes.due) != 2 || w.retakes.set {
			t.Errorf("%s: got %s, found %+v", name, e, at.finding)
		}
	}
	w := newWorked(t, shop(onDrift(appfile.DriftWarn)))
	at := w.checked(lostOnes(2)...)
	if e := at.seeTo(at.plan); e != eventNothing || at.rec != nil {
		t.Errorf("with drift: warn, got %s, to be recorded: %+v", e, at.rec)
	}
	<-w.queue.wake // the objects are taken back all the same
}

func TestWhatDiffersIsNotTakenBackSilently(t *testing.T) {
	w := newWorked(t, shop())
	at := w.checked(append(lostOnes(20), changed("a"))...)
	if e := at.seeTo(at.plan); e != eventDiffers || len(at.plan.Changes()) != 1 || len(w.retakes.due) != 20 {
		t.Errorf("got %s, with %d changes", e, len(at.plan.Changes()))
	}
}

func TestRetakeThatFailsIsTriedAgain(t *testing.T) {
	w := newWorked(t, shop())
	w.engine.carry = func(apply.Order) carried {
		return &fakeWork{ends: map[string]func() error{"apply": func() error { return errors.New("forbidden") }}}
	}
	at := w.checked(lost(1))
	w.retakes.note(at.plan, at.plan.Steps)
	w.retakes.next(1)
	at.job.kind, at.plan.Partial = lookJob, true
	if e := at.seeTo(at.plan); e != eventFailed || at.finding.Result != CheckFailed || len(w.retakes.due) != 1 {
		t.Errorf("got %s, found %+v", e, at.finding)
	}
}

// TestWhatRetakesExplain: the note on an object that has to be taken back holds until the
// object changes.
func TestWhatRetakesExplain(t *testing.T) {
	unowned, stray := lost(1), lost(2)
	unowned.Entry.PartOf = "set"
	r := &retakes{}
	r.note(&plan.Plan{}, []plan.Step{unowned, stray})
	changed, again := unowned.Entry, unowned.Entry
	changed.ResourceVersion, again.UID = "8", "v"
	for name, test := range map[string]struct {
		entry live.Entry
		there bool
		want  bool
	}{
		"as it was found":               {unowned.Entry, true, true},
		"changed since":                 {changed, true, false},
		"made anew":                     {again, true, false},
		"deleted":                       {unowned.Entry, false, false},
		"without a label, and not seen": {stray.Entry, false, true},
		"another one":                   {lost(3).Entry, true, false},
	} {
		if got := r.explain(test.entry, test.there); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if strays := r.strays(); len(strays) != 1 || strays[0].ID != stray.ID {
		t.Errorf("strays: %v", strays)
	}
	r.clear(&plan.Plan{Partial: true, Steps: []plan.Step{stray}})
	if len(r.strays()) != 0 || len(r.due) != 1 {
		t.Errorf("after a look at one: %v", r.due)
	}
	if r.clear(&plan.Plan{}); len(r.due) != 0 {
		t.Errorf("after a check: %v", r.due)
	}
}

// TestRetakesBesideARefusedObject: besides a refused object, an app has lost some others.
// They are taken back later, and do not count as drift.
func TestRetakesBesideARefusedObject(t *testing.T) {
	w := newWorked(t, shop())
	refused := changed("a")
	refused.Refused = true
	at := w.checked()
	at.plan = &plan.Plan{Steps: append(lostOnes(2), refused)}
	if e := at.compareRest(errors.New("refused")); e != eventFailed || at.job.run != nil {
		t.Errorf("got %s, and the check is shown: %v", e, at.job.run != nil)
	}
	if len(w.retakes.due) != 2 || !w.retakes.explain(lost(1).Entry, true) {
		t.Errorf("%d objects are to be taken back", len(w.retakes.due))
	}
	if w.drifts.has(lost(1).ID) {
		t.Error("an object that is to be taken back counts as drift")
	}
}
