package deploy

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/record"
)

// opened has the cluster default be known.
func opened(o *office, _ *app) {
	cluster := o.Clusters.Get("default")
	cluster.opened = make(chan struct{})
	close(cluster.opened)
}

func TestSeen(t *testing.T) {
	for what, test := range map[string]struct {
		set  func(o *office, a *app)
		want bool
	}{
		"nothing is wanted of it": {func(_ *office, a *app) { a.setWant(nil) }, true},
		"it is wanted on a cluster that nobody names": {func(_ *office, a *app) {
			a.setWant(wanted("web", func(t *target) { t.Spec.Cluster = "elsewhere" }))
		}, false},
		"its cluster has not answered yet": {func(o *office, _ *app) { o.Clusters.Get("default").opened = make(chan struct{}) }, false},
		"it has nothing":                   {opened, true},
		"it is seen as it was left": {func(o *office, a *app) {
			opened(o, a)
			o.left(a, o.member(a, "a"))
		}, true},
		"it is seen, and differs": {func(o *office, a *app) {
			opened(o, a)
			a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{Fingerprint: "as it was"})
			o.member(a, "a")
		}, true},
		"one of its objects has not been looked for yet": {func(o *office, a *app) {
			opened(o, a)
			o.left(a, o.member(a, "a"))
			a.ledger.Note(manifesttest.ConfigMap("b"), record.Noted{})
		}, false},
		"a watch of its kinds has failed": {func(o *office, a *app) {
			opened(o, a)
			o.loses(a)
		}, false},
	} {
		o := newOffice(t)
		a := o.has("web", "shop", wanted("web"))
		test.set(o, a)
		if got := o.Seen("web"); got != test.want {
			t.Errorf("%s: seen: %v, want %v", what, got, test.want)
		}
	}
	if newOffice(t).Seen("nobody") {
		t.Error("an app that does not exist is seen")
	}
}

// loses has the index watch the app's ConfigMaps on a cluster that does not answer, and
// returns when it knows.
func (o *office) loses(a *app) {
	o.t.Helper()
	lost, once := make(chan struct{}), sync.Once{}
	o.index.OnLoss(func() { once.Do(func() { close(lost) }) })
	gvk := schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	o.index.Use(a.set, []schema.GroupKind{gvk.GroupKind()})
	ctx, cancel := context.WithCancel(o.t.Context())
	defer cancel()
	var following sync.WaitGroup
	following.Go(func() { // it ends with ctx
		_ = o.index.Follow(ctx, kube.Kind{GVK: gvk, Resource: gvk.GroupVersion().WithResource("configmaps"), Namespaced: true})
	})
	select {
	case <-lost:
	case <-time.After(time.Minute):
		o.t.Error("nobody learns that the cluster does not answer")
	}
	cancel()
	following.Wait()
}

// A push is at work from when a deploy of it comes next until that has ended.
func TestAtWork(t *testing.T) {
	o := newOffice(t)
	a, other := o.has("web", "shop", wanted("web")), o.has("api", "shop", wanted("api"))
	at := func(what string, want bool) {
		t.Helper()
		if got := o.AtWork("p1"); got != want {
			t.Errorf("%s: at work: %v, want %v", what, got, want)
		}
		if o.AtWork("p2") {
			t.Errorf("%s: another push is at work", what)
		}
	}
	at("before it", false)
	other.queue.add(systemJob(record.CauseSchedule))
	at("beside a check", false)
	j := newJob(record.CausePush, access.Caller{Operator: "ana"})
	j.push, j.run = "p1", a.queue.newRun()
	a.queue.add(j)
	at("when it comes next", true)
	if got, _ := a.queue.take(); got != j {
		t.Fatalf("the next job is %+v", got)
	}
	at("while it goes on", true)
	a.queue.rest()
	at("when it has ended", false)
}

func TestOutages(t *testing.T) {
	o := newOffice(t)
	cluster := o.Clusters.Get("default")
	if outages := o.Outages(); len(outages) > 0 {
		t.Errorf("without a failure, there are the outages %+v", outages)
	}
	cluster.fails(errors.New("it says no"))
	if outages := o.Outages(); len(outages) != 1 || outages[0].Cluster != "default" || outages[0].Error != "it says no" || outages[0].Since.IsZero() {
		t.Errorf("of a cluster that failed: %+v", outages)
	}
	cluster.removed.Store(true)
	if outages := o.Outages(); len(outages) > 0 {
		t.Errorf("of a cluster that nobody names any more: %+v", outages)
	}
	cluster.removed.Store(false)
	cluster.fails(nil)
	if outages := o.Outages(); len(outages) > 0 {
		t.Errorf("after it: %+v", outages)
	}
}
