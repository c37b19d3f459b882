package deploy

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// remembering keeps records in memory.
type remembering struct {
	record.Recorder
	records []record.Record
}

func (r *remembering) Save(_ context.Context, entry record.Entry) error {
	r.records = append(r.records, entry.Record)
	return nil
}

// worked is an app whose cluster does not answer, and the records of its deploys.
type worked struct {
	*app
	index *live.Index
	kept  *remembering
}

// newWorked makes an app shop with the given target; nil for none.
func newWorked(t *testing.T, want *target) *worked {
	t.Helper()
	cluster, err := kube.Open("default", &rest.Config{Host: "https://127.0.0.1:1"}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	index := live.New(t.Context(), cluster, owner.DefaultTools, quiet())
	kept := &remembering{}
	e := New(Config{Clusters: NewClusters(NewCluster(cluster, index)), Log: quiet(), Recorder: kept})
	t.Cleanup(e.cancel)
	a := newApp(e, "shop", "shop", "main")
	e.apps["shop"] = a
	if want != nil {
		a.setWant(want)
	}
	return &worked{app: a, index: index, kept: kept}
}

// shop returns a target of the app shop.
func shop(changes ...func(*target)) *target {
	t := &target{Target: plan.Target{
		Spec:     appfile.App{Name: "shop", Branch: "main", Cluster: "default", Drift: appfile.DriftCorrect, Timeout: time.Minute},
		Revision: name.Revision(strings.Repeat("a", 40)), Digest: "digest", Repo: "shop",
	}}
	for _, change := range changes {
		change(t)
	}
	return t
}

// planned returns the deploy of a push whose plan changes nothing.
func (w *worked) planned() *job {
	j := pushed(w.queue)
	j.plan = &plan.Plan{App: "shop", Cluster: "default", Digest: w.wanted().Digest, Made: time.Now(), Applies: w.ledger.Applies()}
	return j
}

// last returns the newest record; the zero record if there is none.
func (w *worked) last() record.Record {
	if len(w.kept.records) == 0 {
		return record.Record{}
	}
	return w.kept.records[len(w.kept.records)-1]
}

// expect fails the test unless an attempt ended as given, and the newest record has the
// given result; "" for no record.
func (w *worked) expect(t *testing.T, at *attempt, end ending, result record.Result) {
	t.Helper()
	if at.stage != stageEnded || at.ending != end || w.last().Result != result {
		t.Errorf("the attempt is %s, ended %s, with the record %q: %s; want %s and %q", at.stage, at.ending, w.last().Result, w.last().Message, end, result)
	}
	if at.job.run != nil {
		if _, ended := at.job.run.Outcome(); !ended {
			t.Error("the run has not ended, so whoever is attached to it waits for ever")
		}
	}
}

func TestAttemptAtNothing(t *testing.T) {
	w := newWorked(t, nil)
	at := w.attempt(pushed(w.queue))
	w.expect(t, at, endedWell, "")
	if rec, _ := at.job.run.Outcome(); rec.Result != record.Superseded || rec.Message != "nothing of it is wanted any more" {
		t.Errorf("got %+v", rec)
	}
}

func TestAttemptThatGoesWell(t *testing.T) {
	w := newWorked(t, shop())
	at := w.attempt(w.planned())
	w.expect(t, at, endedWell, record.Deployed)
	if !w.settled(at.target) || w.last().Digest == "" || w.last().Revision != at.target.Revision {
		t.Errorf("recorded %+v", w.last())
	}
	if log := string(at.job.run.Log()); !strings.Contains(log, "shop: deploying aaaaaaa (deploy shop-1)") {
		t.Errorf("log:\n%s", log)
	}
}

func TestAttemptAtASuspendedApp(t *testing.T) {
	w := newWorked(t, shop())
	w.suspended.set(&record.Suspension{By: "dora", Reason: "a move"})
	check := w.attempt(systemJob(record.CauseDrift))
	w.expect(t, check, endedHeld, "")
	if check.finding.Result != CheckDrifted || !strings.HasPrefix(check.finding.Message, "not deployed, ") {
		t.Errorf("found %+v", check.finding)
	}
	push := w.attempt(w.planned())
	w.expect(t, push, endedHeld, record.Suspended)
	if w.last().Message != "a move" || push.ending.again(false) {
		t.Errorf("recorded %+v", w.last())
	}
}

func TestAttemptThatIsHeld(t *testing.T) {
	w := newWorked(t, shop())
	w.remember(record.Record{Result: record.Failed, Cancelled: "dora", Digest: w.digestFor(w.wanted())})
	w.expect(t, w.attempt(systemJob(record.CauseRetry)), endedHeld, "")
	w.expect(t, w.attempt(w.planned()), endedWell, record.Deployed) // an operator or a push starts this attempt
}

func TestAttemptAfterAFailedDependency(t *testing.T) {
	w := newWorked(t, shop(func(t *target) { t.Spec.DependsOn = []name.App{"db", "unknown"} }))
	db := newRun("db", 1)
	db.finish(record.Record{Result: record.Failed})
	j := w.planned()
	j.after = []*Run{db}
	at := w.attempt(j)
	w.expect(t, at, endedFailed, record.Failed)
	if w.last().Message != "not begun: it depends on db, which is failed" || at.finding.Result != CheckFailed {
		t.Errorf("recorded %+v, found %+v", w.last(), at.finding)
	}
	w.engine.apps["db"] = newApp(w.engine, "db", "shop", "main")
	w.engine.apps["db"].setWant(shop())
	w.attempt(systemJob(record.CauseRetry))
	if got := w.last().Message; got != "not begun: it depends on db, which is not deployed" {
		t.Errorf("got %q", got)
	}
}

// TestWaitsOfAnAttemptEnd: a wait for dependencies and a wait for health end in the same
// ways, but only the second one begins after the target was applied.
func TestWaitsOfAnAttemptEnd(t *testing.T) {
	cancel := func(w *worked) { w.queue.cancel(access.Caller{Operator: "dora"}) }
	supersede := func(w *worked) { w.queue.add(pushed(w.queue)) }
	stop := func(w *worked) { w.engine.cancel() }
	for _, test := range []struct {
		name    string
		settles bool
		end     func(*worked)
		ending  ending
		result  record.Result
		digest  bool
	}{
		{"cancelled before anything is applied", false, cancel, endedCancelled, record.Failed, true},
		{"superseded before anything is applied", false, supersede, endedSuperseded, record.Superseded, false},
		{"interrupted before anything is applied", false, stop, endedInterrupted, "", false},
		{"cancelled while it settles", true, cancel, endedUnhealthy, record.Unhealthy, true},
		{"superseded while it settles", true, supersede, endedSuperseded, record.Superseded, true},
		{"interrupted while it settles", true, stop, endedInterrupted, "", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorked(t, shop())
			j := w.planned()
			if test.settles {
				w.index.Note(sickMember())
			} else {
				j.after = []*Run{newRun("db", 1)}
			}
			w.queue.add(j)
			w.queue.take()
			attempted := make(chan *attempt, 1)
			go func() { attempted <- w.attempt(j) }()
			synctest.Wait()
			if applied := isClosed(j.run.applied); applied != test.settles {
				t.Errorf("%s: the other apps of the push see it as applied: %v", test.name, applied)
			}
			test.end(w)
			at := <-attempted
			w.expect(t, at, test.ending, test.result)
			if (w.last().Digest != "") != test.digest {
				t.Errorf("%s: the record has the digest %q", test.name, w.last().Digest)
			}
			if rec, _ := j.run.Outcome(); test.result == "" && rec.Message != "the server is stopping; the deploy goes on when it starts again" {
				t.Errorf("%s: the pusher sees %q", test.name, rec.Message)
			}
			for _, other := range append(j.after, w.queue.newestRun()) {
				other.finish(record.Record{}) // no worker ends these runs
			}
			if test.result == record.Failed && w.last().Cancelled != "dora" {
				t.Errorf("%s: cancelled by %q", test.name, w.last().Cancelled)
			}
		})
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// sickMember is an object of the app shop that does not become healthy.
func sickMember() *unstructured.Unstructured {
	u := settings("data", "1")
	u.SetKind("PersistentVolumeClaim")
	u.Object["status"] = map[string]any{"phase": "Pending"}
	return u
}

func TestAttemptWhoseObjectsStaySick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorked(t, shop())
		w.index.Note(sickMember())
		began := time.Now()
		at := w.attempt(w.planned())
		w.expect(t, at, endedUnhealthy, record.Unhealthy)
		if !strings.HasPrefix(w.last().Message, "PersistentVolumeClaim shop/data: ") || time.Since(began) != at.target.Spec.Timeout {
			t.Errorf("recorded after %s: %+v", time.Since(began), w.last())
		}
	})
}

func TestOvertakenAndAbandonedJobs(t *testing.T) {
	w := newWorked(t, shop())
	first, second := w.planned(), w.planned()
	w.queue.add(first)
	w.queue.add(second)
	check := systemJob(record.CauseCheck)
	asker := make(chan Finding, 1)
	check.askers = []chan Finding{asker}
	w.queue.add(check)
	tests := newRun("shop", 1)
	w.queue.addTests(tests)
	w.abandon()
	for run, why := range map[*Run]string{
		first.run:  "the server is stopping; the deploy goes on when it starts again",
		second.run: "the server is stopping; the deploy goes on when it starts again",
		tests:      "the server is stopping; the tests were not run",
	} {
		if rec, ended := run.Outcome(); !ended || rec.Message != why {
			t.Errorf("%s: %v, %q", run.ID(), ended, rec.Message)
		}
	}
	if len(w.kept.records) > 0 {
		t.Errorf("recorded %+v", w.kept.records)
	}
	if f := <-asker; f.Result != CheckFailed {
		t.Errorf("found %+v", f)
	}
}

func TestPlanThatCanBeCarriedOut(t *testing.T) {
	now := time.Unix(1000, 0)
	made := &plan.Plan{Digest: "d", Applies: 3, Made: now.Add(-planFresh)}
	for _, test := range []struct {
		name string
		want bool
		plan *plan.Plan
		mut  func(digest *string, applies *int, j *job, now *time.Time)
	}{
		{"the gate's", true, made, nil},
		{"none", false, nil, nil},
		{"of another target", false, made, func(d *string, _ *int, _ *job, _ *time.Time) { *d = "e" }},
		{"before something was applied", false, made, func(_ *string, n *int, _ *job, _ *time.Time) { *n++ }},
		{"an old one", false, made, func(_ *string, _ *int, _ *job, now *time.Time) { *now = now.Add(1) }},
		{"older than a check asks for", false, made, func(_ *string, _ *int, j *job, now *time.Time) { j.fresh = *now }},
		{"as of when a check asks for it", true, made, func(_ *string, _ *int, j *job, _ *time.Time) { j.fresh = made.Made }},
		{"where every object is to be tried", false, made, func(_ *string, _ *int, j *job, _ *time.Time) { j.depth = ByTrial }},
		{"where the inventory is to be compared", true, made, func(_ *string, _ *int, j *job, _ *time.Time) { j.depth = byInventory }},
	} {
		digest, applies, j, now := "d", 3, systemJob(record.CausePush), now
		if test.mut != nil {
			test.mut(&digest, &applies, j, &now)
		}
		if got := isCurrent(test.plan, digest, applies, j, now); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}

func TestHooksForAFailure(t *testing.T) {
	for _, test := range []struct {
		rec            record.Record
		repeated, gone bool
		want           bool
	}{
		{record.Record{Result: record.Failed}, false, false, true},
		{record.Record{Result: record.Unhealthy}, false, false, true},
		{record.Record{Result: record.Deployed}, false, false, false},
		{record.Record{Result: record.Superseded}, false, false, false},
		{record.Record{Result: record.Failed, Cancelled: "dora"}, false, false, false},
		{record.Record{Result: record.Failed}, true, false, false},
		{record.Record{Result: record.Failed}, false, true, false},
	} {
		if got := tellsHooks(test.rec, test.repeated, test.gone); got != test.want {
			t.Errorf("%+v, repeated %v, gone %v: got %v", test.rec, test.repeated, test.gone, got)
		}
	}
}

func TestWhatACheckAnswers(t *testing.T) {
	ended := func(result record.Result) *Run {
		run := newRun("shop", 1)
		run.finish(record.Record{Result: result, Message: "why"})
		return run
	}
	going := newRun("shop", 2)
	defer going.finish(record.Record{})
	for _, test := range []struct {
		name  string
		found Finding
		end   ending
		run   *Run
		want  Finding
	}{
		{"what it has found", Finding{Result: CheckDrifted}, endedWell, ended(record.Deployed), Finding{Result: CheckDrifted}},
		{"nothing", Finding{}, endedWell, nil, Finding{Result: CheckUnchanged}},
		{"that the app was deployed", Finding{}, endedWell, ended(record.Deployed), Finding{Result: CheckDeployed, Message: "why"}},
		{"that it was not", Finding{}, endedUnhealthy, ended(record.Unhealthy), Finding{Result: CheckFailed, Message: "why"}},
		{"that it is still deployed", Finding{}, endedWell, going, Finding{Result: CheckFailed}},
		{"that the server stops", Finding{}, endedInterrupted, nil, Finding{Result: CheckFailed, Message: "the check was not made: the server is stopping"}},
		{"a fault of the server", Finding{}, endedFailed, nil, Finding{Result: CheckFailed, Message: crashMessage}},
	} {
		if got := test.found.after(test.end, test.run); !slices.Equal(got.Objects, test.want.Objects) || got.Result != test.want.Result || got.Message != test.want.Message {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestCheckOfAClusterThatDoesNotAnswer(t *testing.T) {
	w := newWorked(t, shop())
	w.remember(record.Record{Result: record.Deployed, Digest: w.digestFor(w.wanted())})
	at := w.newAttempt(systemJob(record.CauseDrift))
	at.advance(eventDone)
	if e := at.judge(); e != eventCompare {
		t.Fatalf("judged %s", e)
	}
	if e := at.compareRest(apply.ErrInterrupted); e != eventFailed || at.finding.Result != CheckFailed || w.trouble.reason() == "" {
		t.Errorf("got %s, found %+v", e, at.finding)
	}
	w.setUnrendered("a key is away")
	at.finding = Finding{Result: CheckUnchanged}
	if at.closeCheck(); at.finding.Message != "cannot be rendered: a key is away" {
		t.Errorf("found %+v", at.finding)
	}
	at.finding = Finding{Result: CheckUnchanged}
	at.noValues = "no ConfigMap"
	if at.closeCheck(); at.finding.Result != CheckFailed || at.finding.Message != "no ConfigMap" {
		t.Errorf("found %+v", at.finding)
	}
}

// TestAnEventOutOfPlaceEndsTheAttempt: an event that its stage does not allow is a fault of
// the server's own, and must not keep the attempt going for ever.
func TestAnEventOutOfPlaceEndsTheAttempt(t *testing.T) {
	a := newApp(New(Config{Log: quiet()}), "shop", "shop", "main")
	at := a.newAttempt(&job{cause: record.CauseSchedule})
	at.advance(eventUnhealthy)
	if at.stage != stageEnded || at.ending != endedFailed {
		t.Errorf("the attempt is %s, %s", at.stage, at.ending)
	}
}
