package apply

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// crowd returns steps that make many ConfigMaps. Their requests are answered when the gate
// is closed.
func (w *world) crowd(prefix string, n int, gate <-chan struct{}) []plan.Step {
	var texts []string
	for i := range n {
		name := fmt.Sprint(prefix, i)
		texts = append(texts, config(name, "1"))
		w.api.answer("apply ConfigMap shop/"+name, func() error { <-gate; return nil })
	}
	return w.steps(texts...)
}

func TestStageIsAppliedInParallelWithinABound(t *testing.T) {
	inTime(t, func(w *world) {
		gate := make(chan struct{})
		steps := w.crowd("a", 3*plan.Parallel, gate)
		ended := w.begins(func() error { return w.work().applyStage(steps) })
		if got := len(w.api.asked); got != plan.Parallel {
			t.Errorf("%d requests are under way", got)
		}
		close(gate)
		wantError(t, <-ended, "")
		if got := len(w.api.asked); got != len(steps) {
			t.Errorf("%d of %d objects are applied", got, len(steps))
		}
	})
}

func TestClusterIsAskedWithinABoundByAllAppsTogether(t *testing.T) {
	inTime(t, func(w *world) {
		gate := make(chan struct{})
		var ends []<-chan error
		for _, app := range []string{"a", "b", "c"} {
			steps := w.crowd(app, plan.Parallel, gate)
			ends = append(ends, w.begins(func() error { return w.work().applyStage(steps) }))
		}
		if got := len(w.api.asked); got != applies {
			t.Errorf("%d requests are under way", got)
		}
		close(gate)
		for _, ended := range ends {
			wantError(t, <-ended, "")
		}
		if got := len(w.app.Cluster.slots); got != 0 {
			t.Errorf("%d slots are not given back", got)
		}
	})
}

func TestFailureInAStageStopsNoNeighbour(t *testing.T) {
	w := newWorld(t)
	w.api.refuse("apply ConfigMap shop/a", kubetest.Refused)
	w.api.refuse("apply ConfigMap shop/c", kubetest.Refused)
	err := w.work().applyStage(w.steps(config("a", "1"), config("b", "1"), config("c", "1")))
	wantError(t, err, "refused (and 1 more)")
	w.wantRunning("ConfigMap shop/b")
	if got := sortedLines(w.log.String()); got != "created ConfigMap shop/b\nfailed ConfigMap shop/a refused\nfailed ConfigMap shop/c refused" {
		t.Errorf("the log is\n%s", got)
	}
}

func TestKindsOfAStageAreFollowedFirst(t *testing.T) {
	w := newWorld(t)
	w.index.refuses = []error{kubetest.Refused}
	steps := w.steps(config("a", "1"), config("b", "1"))
	err := w.work().applyStage(steps)
	wantError(t, err, "watch the app's kinds: refused")
	w.wantRunning()
	wantError(t, w.work().applyStage(steps), "")
	if got := strings.Join(w.index.followed, " "); got != "ConfigMap ConfigMap" { // once for each call
		t.Errorf("the followed kinds are %s", got)
	}
}

func TestKindWhoseDefinitionComesIsFollowedLater(t *testing.T) {
	inTime(t, func(w *world) {
		w.index.refuses = []error{kubetest.Refused, kubetest.Refused}
		step := w.step(config("a", "1"))
		step.Defined = true
		wantError(t, w.work().applyStage([]plan.Step{step}), "")
		if got := len(w.index.followed); got != 3 {
			t.Errorf("the kind is followed %d times", got)
		}
	})
}

func TestUnchangedObjectsAreCountedAndLeft(t *testing.T) {
	w := newWorld(t)
	w.runs(config("a", "1"))
	steps := w.steps(config("a", "1"), config("b", "1"))
	steps[0].Action = record.Unchanged
	work := w.work()
	wantError(t, work.applyStage(steps), "")
	if work.Same() != 1 || len(work.Done()) != 1 || work.Done()[0].ID != configMap("b") {
		t.Errorf("%d objects are the same, the steps that were done are %v", work.Same(), work.Done())
	}
	w.wantAsked("apply ConfigMap shop/b")
}

func TestWhatIsAppliedEarlyIsNotAppliedAgain(t *testing.T) {
	w := newWorld(t)
	work := w.work()
	work.early = []manifest.ID{configMap("a")}
	wantError(t, work.applyStage(w.steps(config("a", "1"))), "")
	w.wantAsked()
}

func TestAppliedObjectIsInTheLedger(t *testing.T) {
	w := newWorld(t)
	wantError(t, w.work().applyStage(w.steps(config("a", "1"))), "")
	entry, _ := w.index.Get(configMap("a"))
	if noted, _ := w.app.Ledger.Of(configMap("a")); noted != (record.Noted{Digest: "d", Fingerprint: entry.Fingerprint}) || noted.Fingerprint == "" {
		t.Errorf("the ledger has %+v", noted)
	}
}

// TestEndOfAnAppliedObject: the ledger has the end of an object even if the watch reports
// it before the apply is answered.
func TestEndOfAnAppliedObject(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		want    health.End
	}{
		"it runs":            {func(*world) {}, ""},
		"it had ended":       {func(w *world) { w.api.status["Job"] = complete }, health.Succeeded},
		"it ends in between": {func(w *world) { w.onceMade(func() { w.becomes(jobID("a"), complete) }) }, health.Succeeded},
		"another of its name ends": {func(w *world) {
			w.onceMade(func() {
				w.api.vanish(jobID("a"))
				w.runs(job("a"))
				w.becomes(jobID("a"), complete)
			})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			steps := w.steps(job("a"))
			test.happens(w)
			wantError(t, w.work().applyStage(steps), "")
			if noted, ok := w.app.Ledger.Of(jobID("a")); !ok || noted.Ended != test.want {
				t.Errorf("the ledger has %+v", noted)
			}
		})
	}
}

// onceMade calls a function when the watch reports the next change.
func (w *world) onceMade(happens func()) {
	tell := w.api.tell
	w.api.tell = func(u *unstructured.Unstructured) {
		tell(u)
		w.api.tell = tell
		happens()
	}
}

func TestIndexKnowsWhatIsAppliedBeforeTheWatchTells(t *testing.T) {
	w := newWorld(t)
	w.api.tell = nil
	wantError(t, w.work().applyStage(w.steps(config("a", "1"))), "")
	if _, known := w.index.Get(configMap("a")); !known {
		t.Error("the index does not have the applied object")
	}
}

func TestApplyIsMadeAgainAfterAConflict(t *testing.T) {
	inTime(t, func(w *world) {
		w.api.refuse("apply ConfigMap shop/a", kubetest.Conflict(configMap("a")))
		wantError(t, w.work().applyStage(w.steps(config("a", "1"))), "")
		w.wantAsked("apply ConfigMap shop/a", "apply ConfigMap shop/a")
		w.wantLog("created ConfigMap shop/a")
	})
}

// TestApplyByAnOldDefinition: for a moment after its definition has changed, an object may
// be refused by the old one.
func TestApplyByAnOldDefinition(t *testing.T) {
	for name, test := range map[string]struct {
		defined bool
		want    string
	}{
		"the definition comes with the push": {true, ""},
		"the definition is as it was":        {false, "ConfigMap shop/a: refused"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.api.refuse("apply ConfigMap shop/a", kubetest.Refused)
				step := w.step(config("a", "1"))
				step.Defined = test.defined
				wantError(t, w.work().applyStage([]plan.Step{step}), test.want)
			})
		})
	}
}

// TestRefusedApplyIsTold: a refusal is reported in the words of the gate, and without
// hidden values.
func TestRefusedApplyIsTold(t *testing.T) {
	w := newWorld(t)
	w.hides("s3cret")
	w.api.plainly = "value s3cret is no number"
	w.api.refuse("apply ConfigMap shop/a", kubetest.Refused)
	err := w.work().applyStage(w.steps(config("a", "1")))
	wantCause(t, err, kubetest.Refused)
	wantError(t, err, "ConfigMap shop/a: value s3cret is no number") // the value is masked where the error is shown
	w.wantLog("failed ConfigMap shop/a value *** is no number")
}

func TestWarningsOfAppliedObjectsAreHeard(t *testing.T) {
	w := newWorld(t)
	step := w.step(config("a", "1"))
	step.Warned = manifest.Problems{{Message: "deprecated"}}
	work := w.work()
	wantError(t, work.applyStage([]plan.Step{step}), "")
	if got := work.Warnings(); len(got) != 1 || got[0].Text != "deprecated" {
		t.Errorf("the warnings are %v", got)
	}
}

func TestNoteOfAStepIsTold(t *testing.T) {
	w := newWorld(t)
	step := w.step(config("a", "1"))
	step.Note = "moved from app web"
	wantError(t, w.work().applyStage([]plan.Step{step}), "")
	w.wantLog("created ConfigMap shop/a moved from app web")
}

const definitionText = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org}
spec: {group: example.org}
`

var definitionID = manifest.ID{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition", Name: "widgets.example.org"}

func TestDefinitionsAreServedBeforeTheNextStage(t *testing.T) {
	inTime(t, func(w *world) {
		ended := w.begins(func() error { return w.work().applyStage(w.steps(definitionText)) })
		if w.api.rounds != 0 {
			t.Error("discovery looked again too early")
		}
		w.becomes(definitionID, "{conditions: [{type: NamesAccepted, status: 'True'}]}")
		synctest.Wait()
		select {
		case <-ended:
			t.Error("the stage does not wait for the definition")
		default:
		}
		w.becomes(definitionID, "{conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'True'}]}")
		wantError(t, <-ended, "")
		if w.api.rounds != 1 {
			t.Errorf("discovery looked again %d times", w.api.rounds)
		}
	})
}

func TestDefinitionThatIsNotServedFailsTheStage(t *testing.T) {
	inTime(t, func(w *world) {
		err := w.work().applyStage(w.steps(definitionText))
		wantError(t, err, "CustomResourceDefinition widgets.example.org is not established after 1m0s")
	})
}

func TestOtherStagesDoNotWait(t *testing.T) {
	w := newWorld(t)
	wantError(t, w.work().applyStage(w.steps(deployment("web"))), "")
	wantError(t, w.work().applyStage(nil), "")
	if w.api.rounds != 0 {
		t.Error("discovery looked again")
	}
}
