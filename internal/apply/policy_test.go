package apply

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

const replaces = "argocd.argoproj.io/sync-options: Replace=true"

// TestReplacedObject: an object with Replace=true is written as a whole before the apply.
func TestReplacedObject(t *testing.T) {
	for name, test := range map[string]struct {
		runs        bool
		annotations []string
		happens     func(w *world)
		asked       []string
		want        string
	}{
		"it asks for it":         {true, []string{replaces}, nil, []string{"get", "replace", "apply"}, ""},
		"it does not ask for it": {true, nil, nil, []string{"apply"}, ""},
		"it is new":              {false, []string{replaces}, nil, []string{"apply"}, ""},
		"it is gone since": {
			true, []string{replaces}, func(w *world) { w.api.vanish(configMap("a")) }, []string{"get", "apply"}, "",
		},
		"it is changed at this moment": {
			true, []string{replaces}, func(w *world) {
				w.api.answer("replace ConfigMap shop/a", func() error { w.added("a", "controller", "late"); return nil })
			}, []string{"get", "replace", "get", "replace", "apply"}, "",
		},
		"it cannot be read": {
			true, []string{replaces}, func(w *world) { w.api.refuse("get ConfigMap shop/a", kubetest.Refused) }, []string{"get"}, "refused",
		},
		"it cannot be replaced": {
			true, []string{replaces}, func(w *world) { w.api.refuse("replace ConfigMap shop/a", kubetest.Refused) }, []string{"get", "replace"}, "refused",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				if test.runs {
					w.runs(config("a", "1"))
					w.added("a", "controller", "more")
				}
				step := w.step(config("a", "2", test.annotations...))
				if test.happens != nil {
					test.happens(w)
				}
				wantError(t, w.work().applyStage([]plan.Step{step}), test.want)
				for i := range test.asked {
					test.asked[i] += " ConfigMap shop/a"
				}
				w.wantAsked(test.asked...)
				if slices.Contains(test.asked, "replace ConfigMap shop/a") && test.want == "" {
					w.wantData("a", "value")
				}
			})
		})
	}
}

const pruneLast = "argocd.argoproj.io/sync-options: PruneLast=true"

func TestLastDeletionsComeWhenAllIsHealthy(t *testing.T) {
	w := newWorld(t)
	w.runs(config("now", "1"), config("last", "1", pruneLast))
	w.prunes(configMap("now"), configMap("last"))
	work := w.work()
	wantError(t, work.Apply(), "")
	wantError(t, work.Prune(), "")
	w.wantRunning("ConfigMap shop/last")
	if got := toldOf(w.api.parent); got != "ConfigMap in shop, of shop by server" {
		t.Errorf("the inventory has %s", got)
	}
	wantError(t, work.Complete(), "")
	w.wantRunning()
	if got := toldOf(w.api.parent); got != " in , of shop by server" {
		t.Errorf("the inventory has %s", got)
	}
}

func TestLastDeletionThatFailsKeepsTheInventory(t *testing.T) {
	w := newWorld(t)
	w.runs(config("last", "1", pruneLast))
	w.prunes(configMap("last"))
	w.plans(w.step(job("report", hookOf("PostSync"))))
	w.api.refuse("delete ConfigMap shop/last", kubetest.Refused)
	work := w.work()
	wantError(t, work.Apply(), "")
	wantError(t, work.Prune(), "")
	wantError(t, work.Complete(), "ConfigMap shop/last: refused")
	w.wantRunning("ConfigMap shop/last") // no hook runs after it
	if got := toldOf(w.api.parent); got != "ConfigMap,Job.batch in shop, of shop by server" {
		t.Errorf("the inventory has %s", got)
	}
}

func TestRemovedAppHasNoLastDeletions(t *testing.T) {
	w := newWorld(t)
	w.runs(config("now", "1"), config("last", "1", pruneLast))
	w.prunes(configMap("now"), configMap("last"))
	w.order.Target.Gone, w.order.Plan.Gone = true, true
	work := w.work()
	wantError(t, work.Prune(), "")
	w.wantRunning()
	if work.later != nil {
		t.Errorf("the removal leaves %v for later", work.later)
	}
}

func TestNothingToDeleteLastAsksNothing(t *testing.T) {
	w := newWorld(t)
	wantError(t, w.work().pruneLater(), "")
	w.wantAsked()
}

func TestLastDeletionsAreMadeOnce(t *testing.T) {
	w := newWorld(t)
	w.runs(config("last", "1", pruneLast))
	w.prunes(configMap("last"))
	work := w.work()
	wantError(t, work.Prune(), "")
	wantError(t, work.pruneLater(), "")
	w.api.asked = nil
	wantError(t, work.pruneLater(), "")
	w.wantAsked()
	if got := work.Deleted(); !slices.Equal(got, []string{(manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: "last"}).Key()}) {
		t.Errorf("deleted are %q", got)
	}
}
