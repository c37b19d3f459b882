package deploy

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// TestEventsOfObjects checks what follows an event about an object: the object becomes
// suspect, the app is checked, or nothing happens.
func TestEventsOfObjects(t *testing.T) {
	differs := func(a *app) { a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{Fingerprint: "as it was"}) }
	for what, test := range map[string]struct {
		set     func(o *office, a *app)
		event   func(e *live.Event)
		suspect []string
		checked []string
	}{
		"as it was left":            {func(_ *office, a *app) { a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{}) }, func(*live.Event) {}, nil, nil},
		"an object that is not its": {func(*office, *app) {}, func(*live.Event) {}, nil, nil},
		"changed":                   {func(_ *office, a *app) { differs(a) }, func(*live.Event) {}, []string{"web a"}, nil},
		"deleted":                   {func(_ *office, a *app) { differs(a) }, func(e *live.Event) { e.Deleted = true }, []string{"web a"}, nil},
		"done and deleted": {func(_ *office, a *app) {
			a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{Ended: health.Succeeded})
		}, func(e *live.Event) { e.Deleted = true }, nil, nil},
		"changed during a job":            {func(_ *office, a *app) { differs(a); a.queue.add(systemJob(record.CauseDrift)); a.queue.take() }, func(*live.Event) {}, nil, nil},
		"changed as it leaves":            {func(_ *office, a *app) { differs(a); a.want.Gone = true }, func(*live.Event) {}, nil, nil},
		"changed, nothing wanted":         {func(_ *office, a *app) { differs(a); a.setWant(nil) }, func(*live.Event) {}, nil, nil},
		"of an unknown app":               {func(o *office, a *app) { differs(a); delete(o.apps, "web") }, func(*live.Event) {}, nil, nil},
		"of nobody's label":               {func(_ *office, a *app) { differs(a) }, func(e *live.Event) { e.Entry.PartOf = "x" }, nil, nil},
		"of a hook":                       {func(_ *office, a *app) { differs(a) }, func(e *live.Event) { e.Entry.Hook = &live.Hook{} }, nil, nil},
		"its label is another's":          {func(o *office, a *app) { differs(a); o.claims.Set("web", "default", wants("a")) }, func(e *live.Event) { e.Entry.PartOf = "x" }, []string{"web a"}, nil},
		"the same, never applied":         {func(o *office, _ *app) { o.claims.Set("web", "default", wants("a")) }, func(e *live.Event) { e.Entry.PartOf = "x" }, nil, nil},
		"healthy, of an app that was not": {func(_ *office, a *app) { a.last.Result = record.Unhealthy }, func(e *live.Event) { e.Entry.Fingerprint = "f" }, nil, []string{"web: health"}},
		"healthy, with a copied label":    {func(_ *office, a *app) { a.last.Result = record.Unhealthy }, func(*live.Event) {}, nil, nil},
		"sick, of an app that was not":    {func(_ *office, a *app) { a.last.Result = record.Unhealthy }, func(e *live.Event) { e.Entry.Health.Status = health.Progressing }, nil, nil},
		"at its end": {
			func(_ *office, a *app) { a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{}) },
			func(e *live.Event) { e.Entry.Ended = health.Succeeded }, nil,
			[]string{"web: health"},
		},
		"deleted after its time": {
			func(_ *office, a *app) { a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{}) },
			func(e *live.Event) { e.Deleted, e.Entry.Expires = true, time.Now().Add(-time.Second) }, nil,
			[]string{"web: health"},
		},
		"deleted before its time": {
			func(_ *office, a *app) { a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{}) },
			func(e *live.Event) { e.Deleted, e.Entry.Expires = true, time.Now().Add(time.Hour) },
			[]string{"web a"},
			nil,
		},
	} {
		t.Run(what, func(t *testing.T) {
			o := newOffice(t)
			a := o.deployed(wanted("web"))
			o.claims.Know("web")
			told := o.suspects()
			test.set(o, a)
			event := live.Event{Entry: live.Entry{ID: manifesttest.ConfigMap("a"), PartOf: a.set, Health: health.Health{Status: health.Healthy}}}
			test.event(&event)
			o.changed("default", event)
			wantLines(t, "suspect", told(), test.suspect...)
			if working, _ := a.queue.load(); !working {
				wantLines(t, "checked", jobNames(a), test.checked...)
			}
		})
	}
}

// TestDifferenceThatSomebodyTakesBack: a difference that somebody else has taken back no
// longer counts as left alone.
func TestDifferenceThatSomebodyTakesBack(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web"))
	o.claims.Know("web")
	a.drifts.note(&plan.Plan{Steps: []plan.Step{changed("a")}})
	o.changed("default", live.Event{Entry: live.Entry{ID: manifesttest.ConfigMap("a"), PartOf: a.set, Fingerprint: "f"}})
	if a.drifts.has(manifesttest.ConfigMap("a")) || queued(a) != nil {
		t.Error("the difference still counts, or the app is checked")
	}
}

// TestEventsTellOfIllnessAfterADeploy: for an app that has not been healthy since its
// deploy, an unhealthy object is not reported again.
func TestEventsTellOfIllnessAfterADeploy(t *testing.T) {
	for what, result := range map[string]record.Result{"deployed": record.Deployed, "unhealthy": record.Unhealthy} {
		o := newOffice(t)
		a := o.deployed(wanted("web"))
		o.claims.Know("web")
		a.last.Result = result
		o.changed("default", live.Event{Entry: live.Entry{ID: claimID, PartOf: a.set, Fingerprint: "f", Health: health.Health{Status: health.Failed}}})
		if told := len(o.told()) > 0; told != (result == record.Deployed) {
			t.Errorf("%s: told %q", what, o.told())
		}
	}
}

func TestAppsOfAClusterThatReturnsAreTriedAgain(t *testing.T) {
	o := newOffice(t)
	here, left := o.has("web", "shop", wanted("web")), o.has("left", "shop", nil)
	elsewhere := o.has("east", "shop", wanted("east", func(t *target) { t.Spec.Cluster = "east" }))
	o.retryOn("default")
	o.retryOn("default") // has no effect: the retry is due already
	if len(here.hurry) != 1 || len(left.hurry)+len(elsewhere.hurry) > 0 {
		t.Errorf("hurried: %d, %d, %d", len(here.hurry), len(left.hurry), len(elsewhere.hurry))
	}
}

// TestTreeOfAnApp: the tree of an app shows which objects exist, which are missing, and
// which have drifted.
func TestTreeOfAnApp(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	a := o.deployed(wanted("web"))
	u := o.member(a, "web", func(u *unstructured.Unstructured) { u.SetAPIVersion("apps/v1"); u.SetKind("Deployment"); u.SetUID("d") })
	a.ledger.Note(manifesttest.ConfigMap("lacks"), record.Noted{})
	a.drifts.note(&plan.Plan{Steps: []plan.Step{{ID: manifest.IDOf(u), Action: record.Configure}}})
	api.owned = []*unstructured.Unstructured{madeBy("ReplicaSet", "web-1", "d"), madeBy("Pod", "web-1-a", "web-1"), madeBy("Pod", "web-1-b", "web-1")}
	tree, ok := o.Tree(t.Context(), "web")
	if got := drawn(tree.Objects); !ok || got != "lacks web(web-1(web-1-a web-1-b))" || len(tree.Partial) > 0 {
		t.Errorf("got %s, in part because of %q", got, tree.Partial)
	}
	if nodes := tree.Objects; nodes[0].Health != MissingHealth || nodes[0].Drifted || !nodes[1].Drifted {
		t.Errorf("got %+v", nodes)
	}
	if got := drawn(o.Overview("web")); got != "lacks web" {
		t.Errorf("in short: %s", got)
	}
	if len(Pods(tree.Objects)) != 2 {
		t.Errorf("its pods are %+v", Pods(tree.Objects))
	}
	api.fails["list Pod in shop"] = away
	if tree, _ := o.Tree(t.Context(), "web"); len(tree.Partial) != 1 {
		t.Errorf("without pods it is whole: %q", tree.Partial)
	}
	if _, ok := o.Tree(t.Context(), "unknown"); ok || o.Overview("unknown") != nil {
		t.Error("an unknown app has a tree")
	}
}
