package apply

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// TestDeployInOrder carries out a plan that has every kind of step.
func TestDeployInOrder(t *testing.T) {
	w := newWorld(t)
	w.api.status["Job"], w.api.status["Deployment"] = complete, available
	w.runs(config("old", "1"), config("last", "1", pruneLast), config("same", "1"))
	w.prunes(configMap("old"), configMap("last"))
	steps := w.steps(config("a", "1"), config("same", "1"), deployment("web", wave(1)),
		job("migrate", hookOf("PreSync")), job("seed", hookOf("Sync")), job("report", hookOf("PostSync")), job("alarm", hookOf("SyncFail")))
	steps[slices.IndexFunc(steps, func(s plan.Step) bool { return s.ID == configMap("same") })].Action = record.Unchanged
	w.plans(steps...)
	work := w.work()
	for _, part := range []func() error{work.Apply, work.Prune, work.AwaitHealthy, work.Complete} {
		wantError(t, part(), "")
	}
	w.wantAsked(
		"read the inventory", "write the inventory",
		"get Job shop/migrate", "apply Job shop/migrate",
		"apply ConfigMap shop/a",
		"get Job shop/seed", "apply Job shop/seed",
		"apply Deployment shop/web",
		"served ConfigMap", "delete ConfigMap shop/old",
		"served ConfigMap", "delete ConfigMap shop/last",
		"get Job shop/report", "apply Job shop/report",
	)
	if got := fmt.Sprint(len(work.Done()), work.Same(), len(work.Hooks()), work.Deleted()); got != "2 1 3 [/ConfigMap/shop/last /ConfigMap/shop/old]" {
		t.Errorf("done, same, hooks and deleted are %s", got)
	}
	if w.app.Ledger.Applies() != 2 { // one before the applies, one after them
		t.Errorf("the ledger counts %d applies", w.app.Ledger.Applies())
	}
}

func TestPlanThatDoesNothingAsksNothing(t *testing.T) {
	w := newWorld(t)
	w.runs(config("same", "1"))
	step := w.step(config("same", "1"))
	step.Action = record.Unchanged
	w.plans(step)
	w.order.Plan.RunsHooks = false
	work := w.work()
	wantError(t, work.Apply(), "")
	wantError(t, work.Prune(), "")
	wantError(t, work.Complete(), "")
	w.wantAsked()
	if work.Same() != 1 || w.app.Ledger.Applies() != 2 {
		t.Errorf("%d objects are the same, the ledger counts %d applies", work.Same(), w.app.Ledger.Applies())
	}
}

func TestHooksRunThoughNothingElseChanges(t *testing.T) {
	w := newWorld(t)
	w.api.status["Job"] = complete
	w.plans(w.step(job("migrate", hookOf("PreSync"))))
	wantError(t, w.work().Apply(), "")
	w.wantRunning("Job shop/migrate")
}

// TestRemovedAppThatHasNothing: an app without objects may still have an inventory to
// delete.
func TestRemovedAppThatHasNothing(t *testing.T) {
	w := newWorld(t)
	w.api.parent = ourParent()
	w.order.Target.Gone, w.order.Plan.RunsHooks = true, false
	wantError(t, w.work().Apply(), "")
	w.wantAsked("read the inventory")
}

func TestObjectsAreDeletedThoughNoHooksRun(t *testing.T) {
	w := newWorld(t)
	w.order.Plan.RunsHooks = false
	w.runs(config("old", "1"))
	w.prunes(configMap("old"))
	wantError(t, w.work().Prune(), "")
	w.wantRunning()
}

// TestInventoryIsNarrowedAfterHooks: hooks may no longer have some kinds, so the inventory
// is narrowed even if nothing is deleted.
func TestInventoryIsNarrowedAfterHooks(t *testing.T) {
	w := newWorld(t)
	w.api.parent = kubetest.Parent("shop", "shop", "server", "1", kubetest.Extent{Kinds: "ConfigMap,Job.batch,Secret", Namespaces: "shop"})
	w.plans(w.step(job("migrate", hookOf("PreSync"))))
	wantError(t, w.work().Prune(), "")
	w.wantInventory("Job.batch in shop, of shop by server")
}

// TestPartOfAnApp: for a part of the app, the inventory has all kinds already, and nothing
// is deleted.
func TestPartOfAnApp(t *testing.T) {
	w := newWorld(t)
	w.runs(config("old", "1"))
	w.prunes(configMap("old"))
	w.plans(w.step(config("a", "1")))
	w.order.Plan.Partial = true
	work := w.work()
	wantError(t, work.Apply(), "")
	wantError(t, work.Prune(), "")
	w.wantAsked("apply ConfigMap shop/a")
}

func TestObjectsThatLeaveAreForgotten(t *testing.T) {
	w := newWorld(t)
	w.runs(config("a", "1"), config("same", "1"), config("moved", "1"))
	w.plans(w.step(config("a", "2")))
	w.order.Plan.Same = []*plan.Placed{{Key: configMap("same")}}
	w.order.Plan.Moved = []plan.Step{{ID: configMap("moved"), Other: "blog"}}
	wantError(t, w.work().Prune(), "")
	for name, want := range map[string]bool{"a": true, "same": true, "moved": false} {
		if got := w.app.Ledger.Has(configMap(name)); got != want {
			t.Errorf("%s is in the ledger: %v", name, got)
		}
	}
}

func TestPruneThatFailsNarrowsNothing(t *testing.T) {
	w := newWorld(t)
	w.api.parent = ourParent()
	w.runs(config("old", "1"))
	w.prunes(configMap("old"))
	w.api.refuse("delete ConfigMap shop/old", kubetest.Refused)
	wantError(t, w.work().Prune(), "ConfigMap shop/old: refused")
	w.wantAsked("served ConfigMap", "delete ConfigMap shop/old")
	if !w.app.Ledger.Has(configMap("old")) {
		t.Error("the object is not in the ledger any more")
	}
}

// TestHooksOfACorrection: a correction runs no hooks.
func TestHooksOfACorrection(t *testing.T) {
	w := newWorld(t)
	w.order.Corrects = true
	w.plans(w.steps(config("a", "1"), job("migrate", hookOf("PreSync")), job("seed", hookOf("Sync")), job("report", hookOf("PostSync")))...)
	work := w.work()
	wantError(t, work.Apply(), "")
	wantError(t, work.Complete(), "")
	w.wantRunning("ConfigMap shop/a")
}

// TestTestsOfAChart: the chart's tests run, and nothing else. Their objects are deleted by
// their policies.
func TestTestsOfAChart(t *testing.T) {
	test, succeeded := "helm.sh/hook: test", "helm.sh/hook-delete-policy: hook-succeeded"
	for name, c := range map[string]struct {
		status string
		want   string
		runs   []string
		log    []string
	}{
		"it passes": {complete, "", nil, []string{"started Job shop/check Test hook", "succeeded Job shop/check 1 of 1 completed"}},
		"it fails":  {exhausted, "Test hook Job shop/check failed: BackoffLimitExceeded", []string{"Job shop/check"}, []string{"started Job shop/check Test hook", "failed Job shop/check Test hook: BackoffLimitExceeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.api.status["Job"] = c.status
			w.plans(w.steps(job("check", test, succeeded), job("migrate", hookOf("PreSync")))...)
			work := w.work()
			wantError(t, work.Test(), c.want)
			w.wantRunning(c.runs...)
			w.wantLog(c.log...)
			w.wantInventory("Job.batch in shop, of shop by server")
		})
	}
}

func TestTestsDoNotRunWithoutAnInventory(t *testing.T) {
	w := newWorld(t)
	w.plans(w.step(job("check", "helm.sh/hook: test")))
	w.api.refuse("write the inventory", kubetest.Refused)
	wantError(t, w.work().Test(), "refused")
	w.wantRunning()
}

func TestTestThatCannotBeDeletedHasPassed(t *testing.T) {
	w := newWorld(t)
	w.api.status["Job"] = complete
	w.plans(w.step(job("check", "helm.sh/hook: test", "helm.sh/hook-delete-policy: hook-succeeded")))
	w.api.refuse("delete Job shop/check", kubetest.Refused)
	wantError(t, w.work().Test(), "")
	w.wantLog("started Job shop/check Test hook", "succeeded Job shop/check 1 of 1 completed",
		"warning: delete the hook Job shop/check: refused; the next test tries again")
}

// TestNewWorkForgetsWhatWasSeenOfHooks: the states of hooks that were seen belong to the
// deploy before.
func TestNewWorkForgetsWhatWasSeenOfHooks(t *testing.T) {
	w := newWorld(t)
	w.plans(w.step(job("migrate", hookOf("PreSync"))))
	w.api.status["Job"] = complete
	wantError(t, w.work().Apply(), "")
	if len(w.app.Hooks.last) == 0 {
		t.Fatal("no hook was seen")
	}
	w.work()
	if len(w.app.Hooks.last) > 0 {
		t.Error("the states of the former deploy's hooks are kept")
	}
}

func TestFailureNamesTheFirstErrorAndCountsTheOthers(t *testing.T) {
	first := errors.New("first")
	for name, test := range map[string]struct {
		errs []error
		want string
	}{
		"none": {nil, ""}, "one": {[]error{first}, "ConfigMap shop/a: first"},
		"three": {[]error{first, kubetest.Refused, kubetest.Refused}, "ConfigMap shop/a: first (and 2 more)"},
	} {
		w := newWorld(t)
		work := w.work()
		for _, err := range test.errs {
			work.fail(configMap("a"), err)
		}
		err := work.failure()
		if err == nil && test.want == "" {
			continue
		}
		if err == nil || err.Error() != test.want || !errors.Is(err, first) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWaitForTheClusterIsTold(t *testing.T) {
	w := newWorld(t)
	w.plans(w.step(config("a", "1")))
	wantError(t, w.work().Apply(), "")
	if !slices.Equal(w.log.waits, []string{"the cluster to take its objects"}) {
		t.Errorf("the deploy waits for %q", w.log.waits)
	}
}

func TestHookKeyTellsPhasesApart(t *testing.T) {
	key := jobID("a").Key()
	if HookKey(manifest.PreSync.String(), key) == HookKey(manifest.PostSync.String(), key) {
		t.Error("the key is the same for both phases")
	}
}
