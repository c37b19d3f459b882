package deploy

import (
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

func TestAppsHaveOneHome(t *testing.T) {
	for name, test := range map[string]struct {
		repo    name.Repo
		branch  name.Branch
		change  func(a *app)
		refused bool
	}{
		"the same branch":                        {"shop", "main", func(*app) {}, false},
		"another branch":                         {"shop", "release", func(*app) {}, true},
		"another repository":                     {"blog", "main", func(*app) {}, true},
		"another one, of an app that is removed": {"blog", "main", func(a *app) { a.remember(record.Record{Result: record.Removed}) }, false},
		"a branch, where none is known":          {"shop", "release", func(a *app) { a.branch = "" }, false},
		"another one, where no branch is known":  {"blog", "main", func(a *app) { a.branch = "" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newOffice(t).has("web", "shop", nil)
			test.change(a)
			if err := a.sameHome(test.repo, test.branch); (err != nil) != test.refused {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatARecordSaysOfAnApp(t *testing.T) {
	for name, test := range map[string]struct {
		rec     *record.Record
		removed bool
		stays   string
	}{
		"no record":             {nil, false, "prune: false"},
		"deployed":              {&record.Record{Result: record.Deployed}, false, ""},
		"prune: false":          {&record.Record{Result: record.Deployed, NoPrune: true}, false, "prune: false"},
		"onRemove: delete":      {&record.Record{Result: record.Deployed, NoPrune: true, Deletes: true}, false, ""},
		"removed":               {&record.Record{Result: record.Removed}, true, ""},
		"a removal that failed": {&record.Record{Result: record.Failed}, false, ""},
	} {
		a := newOffice(t).has("web", "shop", nil)
		if test.rec != nil {
			a.remember(*test.rec)
		}
		if a.removed() != test.removed || a.stays() != test.stays {
			t.Errorf("%s: removed %v, stays for %q", name, a.removed(), a.stays())
		}
	}
}

func TestAppRemembersItsRecordAndNotItsObjects(t *testing.T) {
	a := newOffice(t).has("web", "shop", nil)
	a.recall(record.Saved{
		Record: record.Record{Number: 41, Result: record.Deployed, Objects: []record.Object{{Key: "x"}}, Deleted: []string{"y"}},
		Noted:  map[manifest.ID]record.Noted{manifesttest.ConfigMap("a"): {Fingerprint: "f"}},
	})
	if last := a.lastRecord(); last.Number != 41 || last.Objects != nil || last.Deleted != nil {
		t.Errorf("the app remembers %+v", last)
	}
	if !a.ledger.Has(manifesttest.ConfigMap("a")) {
		t.Error("the app does not know its object")
	}
	if next := a.queue.newRun(); next.Number != 42 {
		t.Errorf("the next deploy is number %d", next.Number)
	}
}

func TestTargetOfAnAppThatLeaves(t *testing.T) {
	left := goneTarget("web", "shop", "main", "east", "r2")
	if !left.Gone || left.Spec.Cluster != "east" || left.Spec.Branch != "main" || left.Revision != "r2" || !left.Spec.Prune {
		t.Errorf("got %+v", left)
	}
	if goneTarget("web", "shop", "main", "", "r2").Spec.Cluster != appfile.DefaultCluster {
		t.Error("an app without a recorded cluster is not on the default cluster")
	}
	if left.keeping("prune: false").Spec.Prune {
		t.Error("an app with prune: false deletes its objects")
	}
}

func TestSettledIsWhatWasAppliedLastInFull(t *testing.T) {
	w := wanted("web")
	for name, test := range map[string]struct {
		rec  record.Record
		of   *target
		want bool
	}{
		"deployed":                     {record.Record{Result: record.Deployed}, w, true},
		"not healthy":                  {record.Record{Result: record.Unhealthy}, w, true},
		"failed":                       {record.Record{Result: record.Failed}, w, false},
		"suspended since":              {record.Record{Result: record.Suspended, Standing: record.Deployed}, w, true},
		"suspended when it had failed": {record.Record{Result: record.Suspended, Standing: record.Failed}, w, false},
		"a newer one was skipped":      {record.Record{Result: record.Skipped}, w, true},
		"another one":                  {record.Record{Result: record.Deployed}, wanted("web", func(t *target) { t.Digest = "other" }), false},
		"all that is known of it":      {record.Record{Result: record.Failed}, wanted("web", func(t *target) { t.origin = fromRecord }), true},
	} {
		a := newOffice(t).has("web", "shop", w)
		test.rec.Digest = a.digestFor(w)
		if a.remember(test.rec); a.settled(test.of) != test.want {
			t.Errorf("%s: settled is %v", name, !test.want)
		}
	}
	if newOffice(t).has("web", "shop", w).settled(w) {
		t.Error("an app without a record is settled")
	}
}

func TestAppsWantABranchAndRingTheBell(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", nil)
	heard, end := o.Listen()
	defer end()
	a.setWant(wanted("web", func(t *target) { t.Spec.Branch = "release" }))
	if _, branch := a.home(); branch != "release" {
		t.Errorf("the app's branch is %s", branch)
	}
	select {
	case <-heard:
	default:
		t.Error("the bell did not ring after the app's target changed")
	}
	a.setWant(nil)
	if _, branch := a.home(); branch != "release" || a.wanted() != nil {
		t.Errorf("after its target was removed, the app's branch is %s", branch)
	}
}

func TestAppKnowsADefinitionThatItApplied(t *testing.T) {
	definition := parsed(t, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.org}\n")[0]
	w := wanted("web")
	for name, test := range map[string]struct {
		noted string
		want  bool
	}{
		"as written": {w.DigestOf(definition), true},
		"otherwise":  {"other", false},
		"never":      {"", false},
	} {
		a := newOffice(t).has("web", "shop", w)
		if test.noted != "" {
			a.ledger.Note(definition.ID(), record.Noted{Digest: test.noted})
		}
		if a.knows(&w.Target, definition) != test.want {
			t.Errorf("applied %s: known is %v", name, !test.want)
		}
	}
}

func TestWorkRingsTheBell(t *testing.T) {
	a := newOffice(t).has("web", "shop", nil)
	heard, end := a.engine.Listen()
	defer end()
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"a job is queued", func() { a.enqueue(systemJob(record.CauseDrift)) }},
		{"it is begun", func() { a.take() }},
		{"it has ended", a.rest},
		{"a revision is skipped", func() { a.setSkipped("r") }},
	} {
		step.do()
		select {
		case <-heard:
		default:
			t.Errorf("%s: the bell did not ring", step.name)
		}
	}
	if working, _ := a.queue.load(); working {
		t.Error("the worker counts as working although it rests")
	}
}

// TestGateAsksAppsWhatTheyKnow: the gate may ask about an app that does not exist yet. Such
// an app knows no definition.
func TestGateAsksAppsWhatTheyKnow(t *testing.T) {
	definition := parsed(t, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.org}\n")[0]
	o, w := newOffice(t), wanted("web")
	if o.knows(&w.Target, definition) {
		t.Error("an app that does not exist knows the definition")
	}
	a := o.has("web", "shop", w)
	if o.knows(&w.Target, definition) {
		t.Error("an app that has not applied the definition knows it")
	}
	a.ledger.Note(definition.ID(), record.Noted{Digest: w.DigestOf(definition)})
	if !o.knows(&w.Target, definition) {
		t.Error("an app that has applied the definition does not know it")
	}
}
