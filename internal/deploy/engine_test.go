package deploy

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/record"
)

func TestAppIsRegisteredOnce(t *testing.T) {
	o := newOffice(t)
	first, err := o.register("web", "shop", "main")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := o.register("web", "shop", "main"); again != first || err != nil {
		t.Errorf("registered again in the same repository and branch: another app, or %v", err)
	}
	if _, err := o.register("web", "blog", "main"); err == nil {
		t.Error("another repository could register the app")
	}
	if first.repository() != "shop" {
		t.Errorf("the app is now of %s", first.repository())
	}
}

func TestRemovedAppMovesToWhoeverRegistersIt(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", nil)
	a.remember(record.Record{Result: record.Removed})
	if _, err := o.register("web", "blog", "release"); err != nil {
		t.Fatal(err)
	}
	if repo, branch := a.home(); repo != "blog" || branch != "release" {
		t.Errorf("it is of branch %s of %s", branch, repo)
	}
}

func TestAppsOfABranchAreThoseThatAreNotRemoved(t *testing.T) {
	o := newOffice(t)
	o.has("web", "shop", nil)
	o.has("api", "shop", nil)
	o.has("blog", "blog", nil)
	o.has("old", "shop", nil).remember(record.Record{Result: record.Removed})
	o.has("next", "shop", nil).branch = "release"
	var names []string
	for _, a := range o.appsOn("shop", "main") {
		names = append(names, string(a.name))
	}
	wantLines(t, "apps", names, "api", "web")
}

func TestStopWaitsForWorkers(t *testing.T) {
	for name, finishes := range map[string]bool{"they finish": true, "the time is over": false} {
		synctest.Test(t, func(t *testing.T) {
			e := New(Config{Log: quiet()})
			apply := make(chan struct{})
			e.workers.Go(func() { <-apply })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			stopped := make(chan struct{})
			go func() {
				e.Stop(ctx)
				close(stopped)
			}()
			synctest.Wait()
			if e.ctx.Err() == nil || isClosed(stopped) {
				t.Fatalf("%s: the waits have ended: %v, and Stop returned: %v", name, e.ctx.Err(), isClosed(stopped))
			}
			if finishes {
				close(apply)
			}
			began := time.Now()
			<-stopped
			if waited := time.Since(began) > 0; waited == finishes {
				t.Errorf("%s: Stop has waited until its context ended: %v", name, waited)
			}
			if !finishes {
				close(apply)
			}
		})
	}
}

func TestAppsGetAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.stopped = false
		a := o.has("web", "shop", nil)
		j := pushed(a.queue)
		a.enqueue(j)
		synctest.Wait()
		if _, ended := j.run.Outcome(); !ended {
			t.Error("no worker has done the app's job")
		}
		o.Stop(t.Context())
		late := o.has("late", "shop", nil)
		late.queue.add(systemJob(record.CauseDrift))
		synctest.Wait()
		if working, waiting := late.queue.load(); working || !waiting {
			t.Error("an app that was registered after Stop has a worker")
		}
	})
}

func TestJobsThatComeAfterStopAreAbandoned(t *testing.T) {
	e := New(Config{Log: quiet()})
	e.Stop(t.Context())
	a, err := e.register("web", "shop", "main")
	if err != nil {
		t.Fatal(err)
	}
	late := pushed(a.queue)
	if a.enqueue(late); len(a.queue.drain()) > 0 {
		t.Error("a job is queued although there is no worker")
	}
}

// TestReadyWaitsForAnAnswer opens a cluster that answers, and clusters that do not.
func TestReadyWaitsForAnAnswer(t *testing.T) {
	fault := errors.New("forbidden")
	for name, test := range map[string]struct {
		open func(c *Cluster)
		want error
		took time.Duration
	}{
		"it is open":                      {func(c *Cluster) { close(c.opened) }, nil, 0},
		"it opens":                        {func(c *Cluster) { <-time.After(time.Second); close(c.opened) }, nil, time.Second},
		"an attempt fails":                {func(c *Cluster) { (<-c.retry) <- fault }, fault, 0},
		"no attempt is made in its time":  {func(*Cluster) {}, errNotOpen, openTimeout},
		"an attempt does not come to end": {func(c *Cluster) { <-c.retry }, errNotOpen, openTimeout},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newOffice(t).Clusters.Get("default")
			go test.open(c)
			synctest.Wait()
			began := time.Now()
			if err := c.ready(t.Context()); !errors.Is(err, test.want) || time.Since(began) != test.took {
				t.Errorf("%s: got %v after %s, want %v after %s", name, err, time.Since(began), test.want, test.took)
			}
		})
	}
}

func TestClusterOpensWhenItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		c := o.Clusters.Get("default")
		o.workers.Go(func() { o.open("default", c) })
		synctest.Wait()
		if outage := c.outage(); isClosed(c.opened) || outage == nil || !outage.Unreachable {
			t.Errorf("the cluster is open: %v, and its outage is %+v", isClosed(c.opened), outage)
		}
		if err := c.ready(t.Context()); err == nil {
			t.Error("the caller that asked for an attempt does not hear of its end")
		}
		if late := o.told(); len(late) > 0 {
			t.Errorf("a short outage is reported: %q", late)
		}
		<-time.After(openRetry)
		synctest.Wait()
		wantLines(t, "told", kindsOf(o.told()), "cluster")
		o.cancel()
	})
}

func TestAppsOfAClusterStart(t *testing.T) {
	o := newOffice(t)
	here, elsewhere := o.has("web", "shop", wanted("web")), o.has("api", "shop", wanted("api", func(t *target) { t.Spec.Cluster = "east" }))
	left := o.has("old", "shop", nil)
	o.startApps("default")
	wantLines(t, "checked", jobNames(here, elsewhere, left), "web: start")
}
