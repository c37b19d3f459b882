package deploy

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// works starts the worker of an app.
func (o *office) works(a *app) { o.workers.Go(a.work) }

// suspects collects the objects that are reported as suspect.
func (o *office) suspects() func() []string {
	var names []string
	o.OnSuspect(func(app name.App, id manifest.ID) { names = append(names, string(app)+" "+id.Name) })
	return func() []string {
		slices.Sort(names)
		told := names
		names = nil
		return told
	}
}

func TestWorkerRestsAfterItsJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.answering()
		a := o.settledOn(config)
		o.carries(&fakeWork{})
		o.works(a)
		a.enqueue(systemJob(record.CauseDrift))
		synctest.Wait()
		if err := o.AwaitRest(t.Context(), "web"); err != nil {
			t.Error(err)
		}
		if working, waiting := a.queue.load(); working || waiting || o.kept.last().Result != record.Corrected {
			t.Errorf("working: %v, waiting: %v, recorded %q", working, waiting, o.kept.last().Result)
		}
		o.cancel()
	})
}

func TestRestOfAnUnknownApp(t *testing.T) {
	if err := newOffice(t).AwaitRest(t.Context(), "unknown"); err != nil {
		t.Error(err)
	}
}

func TestFailedCheckIsToldAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		api := o.answering()
		a := o.settledOn(config)
		api.fails["try"], api.fails["apply"] = errRefused, errRefused
		o.works(a)
		a.enqueue(systemJob(record.CauseDrift))
		synctest.Wait()
		if told := o.told(); len(told) == 0 || !strings.HasPrefix(told[len(told)-1], "drift web: the last check could not be done: ") {
			t.Errorf("reported %q", told)
		}
		api.change(func() { api.fails = map[string]error{} })
		o.leftAsIs(api, a)
		<-time.After(retryFirst)
		synctest.Wait()
		if told := o.told(); !slices.Contains(told, "drift web: in sync again") || a.trouble.reason() != "" {
			t.Errorf("reported %q, in trouble: %q", told, a.trouble.reason())
		}
		api.change(func() { api.fails["try"], api.fails["apply"] = errRefused, errRefused })
		<-time.After(retryMost)
		if synctest.Wait(); a.trouble.reason() != "" {
			t.Error("an app without a failure is tried again")
		}
		o.cancel()
	})
}

// TestRetryThatIsNeededNoMoreIsNotMade: a failure that was put right meanwhile is not tried
// again.
func TestRetryThatIsNeededNoMoreIsNotMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorked(t, nil)
		dependent(w)
		defer w.working()()
		w.enqueue(w.planned())
		<-time.After(retryFirst / 2)
		w.engine.mu.Lock()
		delete(w.engine.apps, "db")
		w.engine.mu.Unlock()
		w.enqueue(w.planned())
		if synctest.Wait(); w.last().Result != record.Deployed {
			t.Fatalf("the app is %s", w.last().Result)
		}
		<-time.After(retryFirst + checkTimeout)
		if synctest.Wait(); w.trouble.reason() != "" {
			t.Errorf("the app was checked again: %s", w.trouble.reason())
		}
	})
}

// TestRetryOutlivesALookThatFails: a look that fails neither postpones a retry nor replaces
// it.
func TestRetryOutlivesALookThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		api := o.answering()
		a := o.settledOn(config)
		api.fails["try"], api.fails["apply"] = errRefused, errRefused
		o.works(a)
		a.enqueue(systemJob(record.CauseDrift))
		<-time.After(retryFirst / 2)
		o.Look("web", manifesttest.ConfigMap("a"), Fight{})
		if synctest.Wait(); a.trouble.reason() == "" {
			t.Fatal("the check has not failed")
		}
		api.change(func() { api.fails = map[string]error{} })
		o.leftAsIs(api, a)
		<-time.After(retryFirst / 2)
		if synctest.Wait(); a.trouble.reason() != "" {
			t.Errorf("the app is not checked again in time: %s", a.trouble.reason())
		}
		o.cancel()
	})
}

// TestHurriedAppIsTriedSoonAgain: after a hurry, the waits begin with the shortest again.
func TestHurriedAppIsTriedSoonAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorked(t, nil)
		dependent(w)
		defer w.working()()
		w.enqueue(w.planned())
		<-time.After(retryFirst + 2*retryFirst + 1)
		synctest.Wait()
		done := w.attempts()
		w.hurry <- struct{}{}
		synctest.Wait()
		<-time.After(retryFirst)
		if synctest.Wait(); w.attempts() != done+2 {
			t.Errorf("%d attempts after %d, want one at once and one after %s", w.attempts(), done, retryFirst)
		}
	})
}

func TestQueuedJobsEndWithTheWorker(t *testing.T) {
	w := newWorked(t, shop())
	j := w.planned()
	w.queue.add(j)
	close(w.gone)
	w.work()
	if _, ended := j.run.Outcome(); !ended {
		t.Error("the run has not ended, so whoever is attached to it waits for ever")
	}
	if err := w.queue.awaitRest(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDeployAfterTestsCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorked(t, shop())
		defer w.working()()
		if _, err := w.engine.Test("shop"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		j := w.planned()
		db := newRun("db", 1)
		defer db.finish(record.Record{})
		j.after = []*Run{db}
		w.enqueue(j)
		synctest.Wait()
		if run, err := w.engine.Cancel("shop", access.Caller{Operator: "dora"}); err != nil || run != j.run {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
	})
}

func TestTestsAreQueuedOnce(t *testing.T) {
	o := newOffice(t)
	o.has("web", "shop", wanted("web"))
	first, err := o.Test("web")
	if err != nil {
		t.Fatal(err)
	}
	defer first.finish(record.Record{})
	if _, err := o.Test("web"); err == nil || !strings.Contains(err.Error(), "has tests waiting already") {
		t.Errorf("the second: %v", err)
	}
}

// TestChangesDuringAJob checks which objects are looked at after a job: the objects that
// changed during the job, and all objects after a job that has applied something.
func TestChangesDuringAJob(t *testing.T) {
	makesNamespace := &plan.Plan{Steps: []plan.Step{{ID: plan.NamespaceID("shop"), Action: record.Create}}}
	shown := func(j *job) *job { j.run = newRun("web", 1); return j }
	for name, test := range map[string]struct {
		job  *job
		plan *plan.Plan
		set  func(o *office, a *app)
		want []string
	}{
		"a check that found nothing":   {systemJob(record.CauseDrift), nil, func(*office, *app) {}, []string{"web seen"}},
		"a deploy":                     {shown(systemJob(record.CausePush)), nil, func(*office, *app) {}, []string{"web missed", "web seen"}},
		"a look that corrected":        {shown(lookAt("a")), &plan.Plan{}, func(*office, *app) {}, []string{"web seen"}},
		"a look that was refused":      {shown(lookAt("a")), nil, func(*office, *app) {}, []string{"web seen"}},
		"a look that made a namespace": {shown(lookAt("a")), makesNamespace, func(*office, *app) {}, []string{"web missed", "web seen"}},
		"nothing is wanted by now":     {systemJob(record.CauseDrift), nil, func(_ *office, a *app) { a.setWant(nil) }, nil},
		"it leaves":                    {systemJob(record.CauseDrift), nil, func(_ *office, a *app) { a.want.Gone = true }, nil},
		"its cluster is unknown":       {shown(systemJob(record.CausePush)), nil, func(o *office, _ *app) { o.Clusters.put("default", nil) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			a := o.deployed(wanted("web"))
			told := o.suspects()
			for _, object := range []string{"seen", "missed"} {
				o.member(a, object)
				a.ledger.Note(manifesttest.ConfigMap(object), record.Noted{Fingerprint: "as it was"})
			}
			o.left(a, o.member(a, "same"))
			a.enqueue(test.job)
			a.take()
			a.queue.seeLater(manifesttest.ConfigMap("seen"))
			a.queue.seeLater(manifesttest.ConfigMap("same"))
			a.rest()
			told()
			test.set(o, a)
			at := a.newAttempt(test.job)
			at.plan = test.plan
			a.rescanAfter(at)
			wantLines(t, "looked at", told(), test.want...)
			if test.job.run != nil {
				test.job.run.finish(record.Record{})
			}
		})
	}
}

func TestRescanFindsWhatIsGone(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web"))
	told := o.suspects()
	a.ledger.Note(manifesttest.ConfigMap("gone"), record.Noted{Fingerprint: "f"})
	a.ledger.Note(manifesttest.ConfigMap("done"), record.Noted{Fingerprint: "f", Ended: "succeeded"})
	u := o.member(a, "taken", func(u *unstructured.Unstructured) {
		u.SetLabels(map[string]string{"applyset.kubernetes.io/part-of": plan.SetID("other")})
	})
	o.left(a, u)
	told()
	a.rescan(a.wanted())
	wantLines(t, "suspect", told(), "web gone", "web taken")
}

// TestChangesDuringALookThatFailed: a look failed because a definition was missing. Objects
// that changed meanwhile are looked at again.
func TestChangesDuringALookThatFailed(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(a *app)
		want []string
	}{
		"an app that is deployed": {func(*app) {}, []string{"web seen"}},
		"one that is not":         {func(a *app) { a.last.Result = record.Failed }, nil},
		"one that leaves":         {func(a *app) { a.want.Gone = true }, nil},
		"one that is not wanted":  {func(a *app) { a.setWant(nil) }, nil},
	} {
		o := newOffice(t)
		a := o.deployed(wanted("web"))
		told := o.suspects()
		o.member(a, "seen")
		a.ledger.Note(manifesttest.ConfigMap("seen"), record.Noted{Fingerprint: "as it was"})
		a.queue.add(lookAt("x"))
		a.queue.take()
		a.queue.seeLater(manifesttest.ConfigMap("seen"))
		test.set(a)
		told()
		a.rescanMeanwhile()
		wantLines(t, name, told(), test.want...)
	}
}

// TestWorkerLooksAtWhatChangedMeanwhile: after a deploy, and after a look that failed, the
// worker itself looks at the objects that changed meanwhile.
func TestWorkerLooksAtWhatChangedMeanwhile(t *testing.T) {
	for name, fails := range map[string]bool{"a deploy": false, "a look that failed": true} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			api := o.answering()
			a := o.settledOn(twoConfigs)
			told := o.suspects()
			o.carries(&fakeWork{})
			j := pushed(a.queue)
			if fails {
				api.fails["try"], api.fails["apply"] = errRefused, errRefused
				j = lookAt("a")
			}
			a.queue.add(j)
			a.queue.mu.Lock()
			a.queue.looks, a.queue.unseen = j.looks, map[manifest.ID]bool{manifesttest.ConfigMap("b"): true}
			a.queue.mu.Unlock()
			a.ledger.Note(manifesttest.ConfigMap("b"), record.Noted{Fingerprint: "as it was"})
			o.member(a, "b")
			told()
			o.works(a)
			synctest.Wait()
			wantLines(t, name, told(), "web b")
			o.cancel()
		})
	}
}

func TestLookIsOfTheObjectItself(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	a := o.settledOn(config, "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n", deployment)
	delete(api.kinds, parsed(t, deployment)[0].GroupVersionKind()) // the look does not need this kind
	made, err := a.replan(a.wanted(), lookAt("a"))
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "planned", stepsOf(made), "created ConfigMap shop/a")
}
