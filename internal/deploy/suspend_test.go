package deploy

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

func TestSuspensionIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		a := o.deployed(wanted("web"))
		a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{})
		heard, end := o.Listen()
		defer end()
		run, err := o.Suspend("web", record.Suspension{By: "ben", Reason: "a move"}, access.Caller{Operator: "ben"})
		if err != nil {
			t.Fatal(err)
		}
		rec, ended := run.Outcome()
		if !ended || rec.Result != record.Suspended || rec.Message != "a move" || rec.Cause != record.CauseSuspend || rec.Standing != record.Deployed || rec.Same != 1 {
			t.Errorf("recorded %+v", rec)
		}
		if s := a.suspended.current(); s == nil || !s.Since.Equal(time.Now()) || rec.Suspension == nil || rec.Suspension.Reason != "a move" {
			t.Errorf("suspended: %+v", s)
		}
		select {
		case <-heard:
		default:
			t.Error("no event reports that the app is suspended")
		}
		wantLines(t, "told", kindsOf(o.told()), "suspend")
	})
}

func TestAppsThatCannotBeSuspended(t *testing.T) {
	o := newOffice(t)
	o.deployed(wanted("old")).remember(record.Record{Result: record.Removed})
	o.deployed(wanted("web"))
	for _, app := range []name.App{"unknown", "old"} {
		if _, err := o.Suspend(app, record.Suspension{}, access.Caller{}); !errors.Is(err, ErrNoApp) {
			t.Errorf("suspend %s: %v", app, err)
		}
	}
	if _, err := o.Resume("unknown", access.Caller{}); !errors.Is(err, ErrNoApp) {
		t.Errorf("resume an unknown app: %v", err)
	}
	if _, err := o.Resume("web", access.Caller{}); !errors.Is(err, ErrNotSuspended) {
		t.Errorf("resume an app that is not suspended: %v", err)
	}
}

func TestResumedAppIsDeployed(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web"))
	a.suspended.set(&record.Suspension{By: "ben"})
	run, err := o.Resume("web", access.Caller{Operator: "ana"})
	if err != nil {
		t.Fatal(err)
	}
	if rec := o.kept.last(); rec.Result != record.Resumed || rec.Suspension != nil || rec.Operator != "ana" {
		t.Errorf("recorded %+v", rec)
	}
	if j := queued(a); j == nil || j.checks() || j.cause != record.CauseResume || j.run != run || j.caller.Operator != "ana" {
		t.Errorf("the next job is %+v", j)
	}
	run.finish(record.Record{})
}

func TestResumedAppOfWhichNothingIsWanted(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", nil)
	a.suspended.set(&record.Suspension{By: "ben"})
	run, err := o.Resume("web", access.Caller{})
	if err != nil || queued(a) != nil {
		t.Errorf("the suspended app is deployed, or %v", err)
	}
	if rec, ended := run.Outcome(); !ended || rec.Result != record.Resumed {
		t.Errorf("the record of it is not shown: %+v", rec)
	}
}

func TestTimeOfASuspensionEnds(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile func(o *office, a *app)
		resumed   bool
	}{
		"by itself":          {func(*office, *app) {}, true},
		"when it was ended":  {func(_ *office, a *app) { a.suspended.end() }, false},
		"when another began": {func(_ *office, a *app) { a.suspended.set(&record.Suspension{By: "ana"}) }, false},
		"when it stops":      {func(o *office, _ *app) { o.cancel() }, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			a := o.deployed(wanted("web"))
			if _, err := o.Suspend("web", record.Suspension{By: "ben", Until: time.Now().Add(time.Hour)}, access.Caller{}); err != nil {
				t.Fatal(err)
			}
			test.meanwhile(o, a)
			<-time.After(time.Hour)
			synctest.Wait()
			if resumed := o.kept.last().Result == record.Resumed; resumed != test.resumed {
				t.Errorf("%s: the app is resumed: %v", name, resumed)
			}
			if test.resumed && o.kept.last().Operator != access.System("until").Operator {
				t.Errorf("%s: by %s", name, o.kept.last().Operator)
			}
			if j := queued(a); j != nil {
				j.run.finish(record.Record{})
			}
		})
	}
}
