package deploy

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// checked returns a check of a deployed app, with the plan that the check has made.
func (w *worked) checked(steps ...plan.Step) *attempt {
	w.remember(record.Record{Result: record.Deployed, Digest: w.digestFor(w.wanted())})
	at := w.newAttempt(systemJob(record.CauseDrift))
	at.plan = &plan.Plan{App: "shop", Cluster: "default", Digest: w.wanted().Digest, Steps: steps}
	return at
}

// changed is the step for an object of the app that was changed by hand.
func changed(name string) plan.Step {
	return plan.Step{ID: manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: name}, Action: record.Configure, Note: "was changed"}
}

func onDrift(setting string) func(*target) {
	return func(t *target) { t.Spec.Drift = setting }
}

func TestDriftIsTakenBack(t *testing.T) {
	w := newWorked(t, shop())
	at := w.checked(changed("a"))
	at.job.looks = map[manifest.ID]Fight{changed("a").ID: {Times: 4, Next: time.Minute}}
	if e := at.seeTo(at.plan); e != eventDiffers || at.good != record.Corrected || at.finding.Result != CheckCorrected {
		t.Errorf("got %s, to be recorded as %s, found %+v", e, at.good, at.finding)
	}
	if w.drifts.has(changed("a").ID) {
		t.Error("the difference counts as one that is left alone")
	}
	for _, line := range []string{"shop: drift on cluster default", "drifted     ConfigMap shop/a", "fighting    ConfigMap shop/a"} {
		if log := string(at.job.run.Log()); !strings.Contains(log, line) {
			t.Errorf("the log lacks %q:\n%s", line, log)
		}
	}
}

func TestDriftIsOnlyToldOf(t *testing.T) {
	w := newWorked(t, shop(onDrift(appfile.DriftWarn)))
	at := w.checked(changed("a"))
	if e := at.seeTo(at.plan); e != eventNews || at.rec.Result != record.DriftFound || at.finding.Result != CheckDrifted {
		t.Fatalf("got %s, found %+v", e, at.finding)
	}
	if at.rec.Message != "1 object left as found (drift: warn)" || len(at.rec.Objects) != 1 || at.rec.Standing != record.Deployed {
		t.Errorf("to be recorded: %+v", at.rec)
	}
	again := w.checked(changed("a"))
	if e := again.seeTo(again.plan); e != eventNothing || again.rec != nil {
		t.Errorf("the same again: got %s, to be recorded: %+v", e, again.rec)
	}
}

func TestDriftIsLeft(t *testing.T) {
	w := newWorked(t, shop(onDrift(appfile.DriftOff)))
	at := w.checked(changed("a"))
	if e := at.seeTo(at.plan); e != eventNothing || at.finding.Message != "left alone, by drift: off" {
		t.Errorf("got %s, found %+v", e, at.finding)
	}
	w = newWorked(t, shop())
	w.suspended.set(&record.Suspension{By: "dora"})
	at = w.checked(changed("a"))
	if e := at.seeTo(at.plan); e != eventNothing || !strings.HasPrefix(at.finding.Message, "left alone, suspended") {
		t.Errorf("while suspended: got %s, found %+v", e, at.finding)
	}
}

func TestWhatIsDyingIsLetDie(t *testing.T) {
	w := newWorked(t, shop())
	dying := changed("a")
	dying.Dying = true
	dying.Entry.UID = "its end is an event"
	at := w.checked(dying)
	if e := at.seeTo(at.plan); e != eventNothing {
		t.Errorf("got %s", e)
	}
	dying.Entry.UID = ""
	at = w.checked(dying)
	if e := at.seeTo(at.plan); e != eventLater {
		t.Errorf("whose end no event will report: got %s", e)
	}
	at = w.checked(dying, changed("b"))
	if e := at.seeTo(at.plan); e != eventInPart {
		t.Errorf("beside a difference: got %s", e)
	}
}

func TestRecoveryIsRecorded(t *testing.T) {
	w := newWorked(t, shop())
	at := w.checked()
	if e := at.recover(); e != eventNothing {
		t.Errorf("of a healthy app: got %s", e)
	}
	for _, stood := range []record.Result{record.Unhealthy, record.Superseded} {
		at := w.checked()
		w.remember(record.Record{Result: stood, Digest: w.digestFor(w.wanted())})
		if e := at.recover(); e != eventNews || at.rec.Result != record.Deployed || at.rec.Digest == "" {
			t.Errorf("of an app that was %s: got %s, to be recorded: %+v", stood, e, at.rec)
		}
	}
	at = w.checked()
	hook := record.HookResult{Result: manifest.EndFailed, Phase: manifest.PostSync.String()}
	w.remember(record.Record{Result: record.Unhealthy, Hooks: []record.HookResult{hook}, Digest: w.digestFor(w.wanted())})
	if e := at.recover(); e != eventNothing {
		t.Errorf("of an app with a failed hook: got %s", e)
	}
	at = w.checked()
	w.remember(record.Record{Result: record.Unhealthy, Digest: w.digestFor(w.wanted())})
	w.index.Note(sickMember())
	if e := at.recover(); e != eventNothing {
		t.Errorf("of an app that is not healthy: got %s", e)
	}
}

func TestLastDeletionsAreMade(t *testing.T) {
	w := newWorked(t, shop())
	at := w.checked()
	last := changed("old")
	last.Action, last.Policy.Policies = record.Delete, manifest.PruneLast
	at.plan.Prune, at.plan.RunsHooks = []plan.Step{last}, true
	if e := at.seeTo(at.plan); e != eventDiffers || at.good != record.Deployed || at.plan.RunsHooks {
		t.Errorf("got %s, to be recorded as %s, with hooks: %v", e, at.good, at.plan.RunsHooks)
	}
}

func TestCheckThatFindsARefusedObject(t *testing.T) {
	refused, dying := changed("a"), changed("b")
	refused.Refused, dying.Dying = true, true
	for _, test := range []struct {
		name  string
		plan  *plan.Plan
		drift string
		want  stageEvent
	}{
		{"no plan", nil, appfile.DriftCorrect, eventFailed},
		{"nothing else", &plan.Plan{Steps: []plan.Step{refused}}, appfile.DriftCorrect, eventFailed},
		{"another difference", &plan.Plan{Steps: []plan.Step{refused, changed("b")}}, appfile.DriftCorrect, eventInPart},
		{"one that is being deleted", &plan.Plan{Steps: []plan.Step{refused, dying}}, appfile.DriftCorrect, eventFailed},
		{"the same, drift: warn", &plan.Plan{Steps: []plan.Step{refused, changed("b")}}, appfile.DriftWarn, eventFailed},
	} {
		w := newWorked(t, shop(onDrift(test.drift)))
		at := w.checked()
		at.plan = test.plan
		if e := at.compareRest(errors.New("refused")); e != test.want || at.finding.Result != CheckFailed || w.trouble.reason() == "" {
			t.Errorf("%s: got %s, found %+v", test.name, e, at.finding)
		}
		if corrects := at.good == record.Corrected && at.job.run != nil; corrects != (test.want == eventInPart) {
			t.Errorf("%s: the rest is corrected: %v", test.name, corrects)
		}
		if noted := w.drifts.has(changed("b").ID); noted != (test.drift == appfile.DriftWarn) {
			t.Errorf("%s: the drift is noted: %v", test.name, noted)
		}
	}
}

// TestCheckThatCouldNotLookForValues: a check that could not look for new values reports
// this, whatever else it found.
func TestCheckThatCouldNotLookForValues(t *testing.T) {
	w := newWorked(t, shop())
	at := w.checked()
	at.finding, at.noValues = Finding{Result: CheckUnchanged}, "a Secret cannot be read"
	if at.closeCheck(); at.finding.Result != CheckFailed || at.finding.Message != at.noValues || w.trouble.reason() != at.noValues {
		t.Errorf("found %+v, in trouble: %q", at.finding, w.trouble.reason())
	}
}

// TestCheckOfAnAppThatIsNotSeen: a check fails if a kind of the app cannot be watched,
// unless the check asks the API server directly.
func TestCheckOfAnAppThatIsNotSeen(t *testing.T) {
	for fresh, want := range map[bool]CheckResult{false: CheckFailed, true: CheckUnchanged} {
		synctest.Test(t, func(t *testing.T) {
			o := newOffice(t)
			api := o.answering()
			a := o.settledOn(config)
			o.leftAsIs(api, a)
			pods := kube.Kind{GVK: podKind.WithVersion("v1"), Resource: schema.GroupVersionResource{Version: "v1", Resource: "pods"}, Namespaced: true}
			api.parents["web"] = kubetest.Parent("web", "shop", "mine", "7", kubetest.Extent{Kinds: "Pod", Namespaces: "shop"})
			a.on(o.Clusters.Get("default")).SetInventory(nil) // this makes the engine read the inventory again
			if err := o.index.Follow(t.Context(), pods); err == nil {
				t.Fatal("Follow succeeded although the cluster does not answer")
			}
			j := systemJob(record.CauseDrift)
			if fresh {
				j.fresh = time.Now()
			}
			if at := a.attempt(j); at.finding.Result != want {
				t.Errorf("fresh %v: found %+v", fresh, at.finding)
			}
			o.cancel()
		})
	}
}
