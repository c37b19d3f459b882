package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

const (
	twoConfigs = config + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: shop}\n"
	definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.org}\n" +
		"spec: {group: example.org, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n"
)

// settledOn is the app web that was deployed with the given objects. None of them is on the
// cluster any more.
func (o *office) settledOn(texts ...string) *app {
	o.t.Helper()
	p := o.proposes(oneApp(texts...))
	if _, err := p.Accept(); err != nil {
		o.t.Fatal(p.Problems, err)
	}
	p.Close()
	a := o.app("web")
	queued(a).run.finish(record.Record{})
	a.remember(record.Record{App: "web", Revision: "new", Result: record.Deployed, Digest: a.digestFor(a.wanted())})
	return a
}

// stepsOf lists the changes of a plan.
func stepsOf(p *plan.Plan) []string {
	if p == nil {
		return nil
	}
	var lines []string
	for _, step := range p.Changes() {
		lines = append(lines, fmt.Sprint(step.Action, " ", step.ID))
	}
	return lines
}

func lookAt(names ...string) *job {
	j := systemJob(record.CauseDrift)
	j.kind, j.looks = lookJob, map[manifest.ID]Fight{}
	for _, name := range names {
		j.looks[manifesttest.ConfigMap(name)] = Fight{}
	}
	return j
}

func TestPlanOfACheck(t *testing.T) {
	o := newOffice(t)
	o.answering()
	a := o.settledOn(twoConfigs)
	o.claims.Set("web", "default", nil)
	made, err := a.replan(a.wanted(), systemJob(record.CauseDrift))
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "planned", stepsOf(made), "created ConfigMap shop/a", "created ConfigMap shop/b")
	if made.Partial || o.claims.Owner("default", manifesttest.ConfigMap("a")) != "web" {
		t.Error("a check of the whole app does not claim the app's objects")
	}
}

func TestPlanOfALookIsOfWhatIsLookedAt(t *testing.T) {
	o := newOffice(t)
	o.answering()
	a := o.settledOn(twoConfigs)
	o.claims.Set("web", "default", nil)
	made, err := a.replan(a.wanted(), lookAt("b"))
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "planned", stepsOf(made), "created ConfigMap shop/b")
	if !made.Partial || o.claims.Owner("default", manifesttest.ConfigMap("b")) != "" {
		t.Error("a look counts as a check of the whole app")
	}
}

// TestLookAtAnAppWithANewDefinitionIsWidened: a missing definition has taken its resources
// with it, and the look has only one object.
func TestLookAtAnAppWithANewDefinitionIsWidened(t *testing.T) {
	o := newOffice(t)
	o.answering()
	a := o.settledOn(twoConfigs, definition)
	j := lookAt("b")
	if _, err := a.replan(a.wanted(), j); err != nil {
		t.Fatal(err)
	}
	if j.kind != checkJob || j.looks != nil {
		t.Errorf("the job is of kind %d, and looks at %v", j.kind, j.looks)
	}
}

func TestPlanThatCannotBeMade(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(o *office, api *fakeAPI)
		want string
	}{
		"its cluster is unknown by now": {func(o *office, _ *fakeAPI) { o.Clusters.put("default", nil) }, `cluster "default" is not known`},
		"a definition may not be":       {func(_ *office, api *fakeAPI) { api.vetted = manifest.Problems{{Message: "it redefines Pod"}} }, "it redefines Pod"},
		"a kind is unknown":             {func(_ *office, api *fakeAPI) { clear(api.kinds) }, "the cluster does not know the kind ConfigMap"},
		"the inventory cannot be read": {func(o *office, api *fakeAPI) {
			o.app("web").on(o.Clusters.Get("default")).SetInventory(nil)
			api.fails["read parent"] = away
		}, "does not answer"},
		"the inventory is another's": {func(o *office, api *fakeAPI) {
			o.app("web").on(o.Clusters.Get("default")).SetInventory(nil)
			api.parents["web"] = existing(kube.Parent{App: "web", Server: "theirs"})
		}, "another Pushboat server"},
		"an object cannot be tried": {func(_ *office, api *fakeAPI) { api.fails["try"], api.fails["apply"] = away, away }, "does not answer"},
		"an object is refused":      {func(_ *office, api *fakeAPI) { api.fails["try"], api.fails["apply"] = errRefused, errRefused }, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			api := o.answering()
			a := o.settledOn(config)
			test.set(o, api)
			if _, err := a.replan(a.wanted(), systemJob(record.CauseDrift)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

var errRefused = errors.New("refused")

func TestPlanWaitsForItsCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		a := o.deployed(wanted("web"))
		if _, err := a.replan(a.wanted(), systemJob(record.CauseDrift)); !errors.Is(err, errNotOpen) {
			t.Errorf("got %v", err)
		}
	})
}

func TestPlanTakesOverTheCompanionsOfItsPush(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	a := o.settledOn(config)
	api.vetted = manifest.Problems{{Message: "asked again"}}
	j := newJob(record.CausePush, access.Caller{})
	j.with = plan.NewCompanions(nil, nil)
	if _, err := a.replan(a.wanted(), j); err != nil {
		t.Error(err)
	}
}

// TestDepthOfAPlan: the app seems to be as it was left, and the depth of the plan decides
// whether its objects are tried on the cluster.
func TestDepthOfAPlan(t *testing.T) {
	moment := time.Unix(100, 0)
	for name, test := range map[string]struct {
		set   func(a *app, j *job)
		asks  bool
		fresh time.Time
	}{
		"a check":                       {func(*app, *job) {}, false, time.Time{}},
		"a full check":                  {func(_ *app, j *job) { j.depth = ByTrial }, true, time.Time{}},
		"one that compares inventories": {func(_ *app, j *job) { j.depth = byInventory }, false, time.Time{}},
		"one as of a moment":            {func(_ *app, j *job) { j.fresh = moment }, false, moment},
		"a forced deploy":               {func(_ *app, j *job) { j.force = true }, true, time.Time{}},
		"the retry of a forced deploy":  {func(a *app, _ *job) { a.want.forced, a.last.Result = true, record.Failed }, true, time.Time{}},
		"a check after a forced deploy": {func(a *app, _ *job) { a.want.forced = true }, false, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			api := o.answering()
			a := o.settledOn(config)
			o.leftAsIs(api, a)
			j := systemJob(record.CauseSchedule)
			test.set(a, j)
			if made, err := a.replan(a.wanted(), j); err != nil || len(made.Changes()) > 0 {
				t.Errorf("planned %q, %v", stepsOf(made), err)
			}
			index, ok := o.Clusters.Get("default").planIndex.(*fakeIndex)
			if !ok || !index.fresh.Equal(test.fresh) {
				t.Errorf("the watches are required to be as new as %s", index.fresh)
			}
			if asks := slices.ContainsFunc(api.asked, func(request string) bool { return strings.HasPrefix(request, "apply") }); asks != test.asks {
				t.Errorf("asked %q", api.asked)
			}
		})
	}
}

// leftAsIs makes the objects of an app run as its deploy has left them.
func (o *office) leftAsIs(api *fakeAPI, a *app) {
	t := a.wanted()
	for _, written := range t.Objects {
		u := written.DeepCopy()
		u.SetNamespace("shop")
		u.SetLabels(map[string]string{kube.PartOfLabel: a.set})
		u.SetManagedFields(settings("", "1").GetManagedFields())
		u.SetUID("uid of it")
		u.SetResourceVersion("1")
		api.change(func() { api.running[manifest.IDOf(u)] = u })
		o.index.Note(u)
		placed := plan.Place(&t.Target, written, api.kinds[u.GroupVersionKind()])
		a.ledger.Note(manifest.IDOf(u), record.Noted{Digest: placed.Digest, Fingerprint: o.index.EntryOf(u).Fingerprint})
	}
	api.change(func() { api.asked = nil })
}

func TestCheckOfAnAppThatIsAsItShouldBe(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	a := o.settledOn(config)
	o.leftAsIs(api, a)
	a.trouble.set("no answer")
	at := a.attempt(systemJob(record.CauseDrift))
	if at.ending != endedWell || !at.checked || at.finding.Result != CheckUnchanged || len(o.kept.entries) > 0 || a.trouble.reason() != "" {
		t.Errorf("the check ended %s, found %+v, recorded %d, in trouble: %q", at.ending, at.finding, len(o.kept.entries), a.trouble.reason())
	}
}

func TestCheckThatFindsADeletion(t *testing.T) {
	o := newOffice(t)
	o.answering()
	a := o.settledOn(config)
	w := &fakeWork{}
	o.carries(w)
	at := a.attempt(systemJob(record.CauseDrift))
	if at.ending != endedWell || o.kept.last().Result != record.Corrected || !w.order.Corrects {
		t.Errorf("the check ended %s, recorded as %s", at.ending, o.kept.last().Result)
	}
	wantLines(t, "found", at.finding.Objects, "ConfigMap shop/a")
	if log := string(at.job.run.Log()); !strings.Contains(log, "was deleted") {
		t.Errorf("the log does not say what has drifted:\n%s", log)
	}
}

func TestCheckThatCannotBeDone(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	a := o.settledOn(config)
	api.fails["try"], api.fails["apply"] = away, away
	at := a.attempt(systemJob(record.CauseDrift))
	if at.ending != endedFailed || at.finding.Result != CheckFailed || a.trouble.reason() == "" || len(o.kept.entries) > 0 {
		t.Errorf("the check ended %s, found %+v", at.ending, at.finding)
	}
}

func TestDeployWithoutAPlanOfTheGateMakesOne(t *testing.T) {
	for name, test := range map[string]struct {
		fail   error
		stop   bool
		ending ending
		result record.Result
	}{
		"it is made":       {nil, false, endedWell, record.Deployed},
		"it cannot be":     {errRefused, false, endedFailed, record.Failed},
		"the server stops": {errRefused, true, endedInterrupted, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			api := o.answering()
			a := o.settledOn(config)
			a.last = nil
			o.carries(&fakeWork{})
			if test.fail != nil {
				api.fails["try"], api.fails["apply"] = test.fail, test.fail
			}
			if test.stop {
				o.cancel()
			}
			at := a.attempt(pushed(a.queue))
			if at.ending != test.ending || o.kept.last().Result != test.result {
				t.Errorf("the deploy ended %s, recorded as %q: %s", at.ending, o.kept.last().Result, o.kept.last().Message)
			}
		})
	}
}

// TestCheckMendsTheInventory: a check compares the inventory if it has to, or if the app's
// inventory is not known.
func TestCheckMendsTheInventory(t *testing.T) {
	for name, test := range map[string]struct {
		known bool
		depth Depth
		want  bool
	}{
		"known":                 {true, BySight, false},
		"known, to be compared": {true, byInventory, true},
		"unknown":               {false, BySight, true},
	} {
		o := newOffice(t)
		api := o.answering()
		a := o.settledOn(config)
		o.leftAsIs(api, a)
		a.on(o.Clusters.Get("default")).SetInventory(nil)
		if test.known {
			own := existing(kube.Parent{App: "web", Repository: "shop", Server: "mine"})
			api.parents["web"] = own
			a.on(o.Clusters.Get("default")).SetInventory(&own)
		}
		j := systemJob(record.CauseDrift)
		j.depth = test.depth
		a.attempt(j)
		if wrote := slices.Contains(api.asked, "write parent web"); wrote != test.want {
			t.Errorf("%s: the inventory is written: %v", name, wrote)
		}
	}
}

func TestInventoryThatCannotBeMendedIsReadAgain(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	a := o.settledOn(config)
	own := existing(kube.Parent{App: "web", Repository: "shop", Server: "mine"})
	a.on(o.Clusters.Get("default")).SetInventory(&own)
	api.fails["read parent"] = away
	if a.mendInventory(a.wanted(), &plan.Plan{}); a.knowsInventory(a.wanted()) {
		t.Error("an inventory that could not be read counts as known")
	}
}

// TestCheckLeavesDeletionsThatWaitForHealth: a check makes no deletions that have to wait
// until all other objects are healthy.
func TestCheckLeavesDeletionsThatWaitForHealth(t *testing.T) {
	for name, test := range map[string]struct {
		sick bool
		want []string
	}{
		"all is well":       {false, []string{"deleted ConfigMap shop/last"}},
		"something is sick": {true, []string{"deleted PersistentVolumeClaim shop/data"}},
	} {
		o := newOffice(t)
		api := o.answering()
		a := o.settledOn(config)
		o.leftAsIs(api, a)
		last := o.member(a, "last", func(u *unstructured.Unstructured) {
			u.SetAnnotations(map[string]string{"argocd.argoproj.io/sync-options": "PruneLast=true"})
		})
		api.running[manifest.IDOf(last)] = last
		if test.sick {
			o.member(a, "data", pending)
		}
		at := a.newAttempt(systemJob(record.CauseDrift))
		at.compare()
		var lines []string
		for _, step := range at.plan.Prune {
			lines = append(lines, fmt.Sprint(step.Action, " ", step.ID))
		}
		wantLines(t, name, lines, test.want...)
	}
}
