package deploy

import (
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// TestObjectsThatFallIllAreTold: an object of an app stops being healthy, and something
// happens before this is to be reported.
func TestObjectsThatFallIllAreTold(t *testing.T) {
	const told = "health web: PersistentVolumeClaim shop/data: not bound"
	for name, test := range map[string]struct {
		meanwhile func(o *office, a *app)
		want      []string
	}{
		"it stays ill":       {func(*office, *app) {}, []string{told}},
		"it becomes healthy": {func(o *office, a *app) { o.index.Note(well(o, a)) }, nil},
		"it goes":            {func(_ *office, a *app) { a.ills.see(claimID, deleted) }, nil},
		"a deploy begins":    {func(_ *office, a *app) { a.queue.add(pushed(a.queue)); a.queue.take() }, nil},
		"nothing is wanted":  {func(_ *office, a *app) { a.setWant(nil) }, nil},
		"the server stops":   {func(o *office, _ *app) { o.cancel() }, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			a := o.deployed(wanted("web"))
			u := o.member(a, "data", pending)
			o.noticeHealth(a, o.index.EntryOf(u), false)
			if early := o.told(); len(early) > 0 {
				t.Errorf("%s: reported at once: %q", name, early)
			}
			test.meanwhile(o, a)
			<-time.After(illAfter)
			synctest.Wait()
			var lines []string
			for _, line := range o.told() {
				lines = append(lines, line[:min(len(line), len(told))])
			}
			wantLines(t, name, lines, test.want...)
			if run := a.queue.newestRun(); run != nil {
				run.finish(record.Record{})
			}
		})
	}
}

var claimID = manifest.ID{Kind: "PersistentVolumeClaim", Namespace: "shop", Name: "data"}

// well returns the object of pending after it has become healthy.
func well(o *office, a *app) *unstructured.Unstructured {
	u := o.member(a, "data", pending)
	u.Object["status"] = map[string]any{"phase": "Bound"}
	u.SetResourceVersion("2")
	return u
}

func TestFailureAndRecoveryAreToldAtOnce(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web"))
	entry := live.Entry{ID: claimID, Health: health.Health{Status: health.Failed, Message: "lost\x1b"}}
	o.noticeHealth(a, entry, false)
	entry.Health = health.Health{Status: health.Healthy}
	o.noticeHealth(a, entry, false)
	wantLines(t, "told", o.told(), `health web: PersistentVolumeClaim shop/data: lost\x1b`, "health web: PersistentVolumeClaim shop/data is healthy again")
	events, _ := o.Events.Since(0)
	if events[0].Good || !events[1].Good || events[0].Cluster != "default" || events[0].Repo != "shop" || events[0].Object != claimID.String() {
		t.Errorf("reported %+v", events)
	}
}

func TestEndsOfDeploysAreTold(t *testing.T) {
	for name, test := range map[string]struct {
		rec  record.Record
		want string
		good bool
	}{
		"a deploy":            {record.Record{Result: record.Deployed}, "deploy web: deployed  in 0.0 s, healthy (deploy web-1)", true},
		"one with a warning":  {record.Record{Result: record.Deployed, Warnings: make([]record.Warning, 1)}, "deploy web: deployed  in 0.0 s, healthy (deploy web-1), 1 warning", true},
		"one that failed":     {record.Record{Result: record.Failed, Message: "why"}, "deploy web: deploying  failed (deploy web-1)", false},
		"a correction":        {record.Record{Result: record.Corrected}, "drift web: corrected to  in 0.0 s (deploy web-1)", true},
		"drift that is left":  {record.Record{Result: record.DriftFound, Message: "1 object left", Standing: record.Deployed}, "drift web: 1 object left (deploy web-1)", false},
		"an app that resumes": {record.Record{Result: record.Resumed, Standing: record.Deployed}, "suspend web: resumed (deploy web-1)", true},
	} {
		o := newOffice(t)
		a := o.deployed(wanted("web"))
		test.rec.App, test.rec.Number = "web", 1
		a.publishRecord(test.rec)
		wantLines(t, name, o.told(), test.want)
		if events, _ := o.Events.Since(0); events[0].Good != test.good {
			t.Errorf("%s: nobody has to look at the object: %v", name, events[0].Good)
		}
	}
}

// TestStandingIsToldOnce: an app stops being in sync, and comes back in sync, in ways that
// no record reports.
func TestStandingIsToldOnce(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web"))
	a.tellStanding()
	wantLines(t, "in sync", o.told())
	a.trouble.set("no\nanswer")
	a.tellStanding()
	a.tellStanding()
	wantLines(t, "a check that failed", o.told(), "drift web: the last check could not be done: no answer")
	a.trouble.set("")
	a.tellStanding()
	a.tellStanding()
	wantLines(t, "that was made good", o.told()[1:], "drift web: in sync again")
	a.want.Gone = true
	a.trouble.set("no answer")
	a.tellStanding()
	a.setWant(nil)
	a.tellStanding()
	a.setWant(wanted("web"))
	o.cancel()
	a.tellStanding()
	wantLines(t, "of an app that leaves, is not wanted, or when the server stops", o.told()[2:])
}

func TestStandingThatARecordTells(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web"))
	a.trouble.set("no answer")
	a.tellStanding()
	a.trouble.set("")
	a.last.Result = record.Failed
	a.tellStanding()
	wantLines(t, "told", o.told()[1:])
	a.drifts.note(&plan.Plan{Steps: []plan.Step{changed("a")}})
	a.last.Result = record.Deployed
	if e := standingEvent(a.status()); e != nil {
		t.Errorf("of a difference that is left: %+v", e)
	}
	a.ledger.Note(manifesttest.ConfigMap("b"), record.Noted{Fingerprint: "x"})
	o.member(a, "b")
	if e := standingEvent(a.status()); e == nil || e.Text != "ConfigMap shop/b was changed" || e.Object != "ConfigMap shop/b" {
		t.Errorf("of one that is to be corrected: %+v", e)
	}
}

func TestDeletionThatHangsIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		deleted bool
		want    []string
	}{
		"it goes on":  {false, []string{"drift web: ConfigMap shop/a is being deleted"}},
		"it is ended": {true, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			a := o.deployed(wanted("web"))
			u := o.member(a, "a", terminating)
			a.noticeDeletion(live.Event{Entry: o.index.EntryOf(u), Deleted: test.deleted})
			a.noticeDeletion(live.Event{Entry: live.Entry{ID: claimID}})
			<-time.After(illAfter)
			synctest.Wait()
			wantLines(t, name, o.told(), test.want...)
		})
	}
}
