package apply

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// ran puts the object of a hook on the cluster, as the given run has made it.
func (w *world) ran(document string, phase manifest.Phase, run live.HookRun, status string) {
	w.t.Helper()
	step := w.step(document)
	object := step.Object.DeepCopy()
	live.MarkHook(object, live.Hook{Key: step.ID.Key(), Phase: phase, Run: run})
	w.api.status[step.ID.Kind] = status
	if _, err := w.api.apply(object, kube.FieldManager); err != nil {
		w.t.Fatal(err)
	}
	delete(w.api.status, step.ID.Kind)
}

func TestHooksRunWaveByWave(t *testing.T) {
	inTime(t, func(w *world) {
		w.api.status["Job"] = underWay
		w.plans(w.steps(job("a", hookOf("PreSync")), job("b", hookOf("PreSync")), job("later", hookOf("PreSync"), wave(1)), config("late", "1"))...)
		ended := w.begins(w.work().Apply)
		w.wantRunning("Job shop/a", "Job shop/b")
		w.becomes(jobID("a"), complete)
		w.becomes(jobID("b"), complete)
		synctest.Wait()
		w.wantRunning("Job shop/a", "Job shop/b", "Job shop/later")
		w.becomes(jobID("later"), complete)
		wantError(t, <-ended, "")
		w.wantRunning("ConfigMap shop/late", "Job shop/a", "Job shop/b", "Job shop/later")
	})
}

func TestHooksWhoseKindsCannotBeWatchedDoNotRun(t *testing.T) {
	w := newWorld(t)
	w.plans(w.step(job("a", hookOf("PreSync"))))
	w.index.refuses = []error{kubetest.Refused}
	wantError(t, w.work().Apply(), "watch the hooks' kinds: refused")
	w.wantRunning()
}

// TestNamespacesOfHooks: the hooks' namespaces are made before the hooks run, and nothing
// else is.
func TestNamespacesOfHooks(t *testing.T) {
	w := newWorld(t)
	w.api.status["Job"] = complete
	w.api.vanish(plan.NamespaceID("shop"))
	w.plans(w.steps(namespaceText("shop"), namespaceText("other"), config("shop", "1"), job("migrate", hookOf("PreSync")))...)
	wantError(t, w.work().Apply(), "")
	w.wantAsked("read the inventory", "write the inventory",
		"apply Namespace shop", "get Job shop/migrate", "apply Job shop/migrate", "apply Namespace other", "apply ConfigMap shop/shop")
}

func TestNamespaceThatRunsIsNotMadeForHooks(t *testing.T) {
	w := newWorld(t)
	w.api.status["Job"] = complete
	w.plans(w.steps(namespaceText("shop"), job("migrate", hookOf("PreSync")))...)
	wantError(t, w.work().beforeSync(), "")
	w.wantAsked("get Job shop/migrate", "apply Job shop/migrate")
}

func TestNamespacesAreNotMadeEarlyWithoutHooks(t *testing.T) {
	for name, test := range map[string]struct {
		runs  bool
		phase string
	}{
		"no hooks run": {false, "PreSync"}, "hooks run later": {true, "PostSync"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.api.vanish(plan.NamespaceID("shop"))
			w.plans(w.steps(namespaceText("shop"), job("migrate", hookOf(test.phase)))...)
			w.order.Plan.RunsHooks = test.runs
			wantError(t, w.work().beforeSync(), "")
			w.wantAsked()
		})
	}
}

func TestHooksDoNotRunWithoutTheirNamespace(t *testing.T) {
	w := newWorld(t)
	w.api.vanish(plan.NamespaceID("shop"))
	w.plans(w.steps(namespaceText("shop"), job("migrate", hookOf("PreSync")))...)
	w.api.refuse("apply Namespace shop", kubetest.Refused)
	wantError(t, w.work().beforeSync(), "Namespace shop: refused")
	w.wantAsked("apply Namespace shop")
}

func TestHookThatTheAttemptBeforeHasRunDoesNotRunAgain(t *testing.T) {
	w := newWorld(t)
	w.api.status["Job"] = complete
	both := job("seed", "argocd.argoproj.io/hook: 'PreSync,PostSync'")
	w.plans(w.step(both))
	w.order.DoneBefore = map[string]bool{HookKey("PreSync", jobID("seed").Key()): true}
	work := w.work()
	wantError(t, work.runPhase(manifest.PreSync), "")
	w.wantAsked()
	wantError(t, work.runPhase(manifest.PostSync), "")
	w.wantAsked("get Job shop/seed", "apply Job shop/seed")
	w.wantLog("succeeded Job shop/seed in the attempt before", "started Job shop/seed PostSync hook", "succeeded Job shop/seed 1 of 1 completed")
	if hooks := work.Hooks(); len(hooks) != 2 || hooks[0].Phase != "PreSync" || hooks[0].Result != manifest.EndSucceeded {
		t.Errorf("the hooks are %+v", hooks)
	}
}

// TestHookOfAnInterruptedDeploy: a deploy waits for the hook that it began before the
// server stopped. Any other hook makes room.
func TestHookOfAnInterruptedDeploy(t *testing.T) {
	this := live.HookRun{Target: "r5", Number: 4}
	unbegun := []record.HookResult{{Key: jobID("migrate").Key(), Phase: "PreSync", Result: manifest.EndUnbegun}}
	unbegunLater := []record.HookResult{{Key: jobID("migrate").Key(), Phase: "PostSync", Result: manifest.EndUnbegun}}
	for name, test := range map[string]struct {
		phase manifest.Phase // the phase of the object
		run   live.HookRun   // the run that made it
		last  *record.Record
		ended int // the newest deploy that this server has seen end
		is    bool
	}{
		"no deploy has ended since":           {manifest.PreSync, this, nil, 0, true},
		"an earlier deploy has ended":         {manifest.PreSync, this, &record.Record{Number: 3}, 3, true},
		"its deploy has ended":                {manifest.PreSync, this, &record.Record{Number: 4}, 0, false},
		"its deploy has ended in this server": {manifest.PreSync, this, nil, 4, false},
		"a later deploy has ended":            {manifest.PreSync, this, &record.Record{Number: 5}, 0, false},
		"its making was not heard of":         {manifest.PreSync, this, &record.Record{Number: 4, Hooks: unbegun}, 0, true},
		"the making of another was not":       {manifest.PreSync, this, &record.Record{Number: 4, Hooks: unbegunLater}, 0, false},
		"of an older deploy than unheard":     {manifest.PreSync, live.HookRun{Target: "r5", Number: 3}, &record.Record{Number: 4, Hooks: unbegun}, 0, false},
		"of another target":                   {manifest.PreSync, live.HookRun{Target: "r4", Number: 4}, nil, 0, false},
		"of another phase":                    {manifest.Sync, this, nil, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.order.Last = test.last
			w.app.HookMemory.noteEnd(test.ended)
			entry := live.Entry{Hook: &live.Hook{Key: jobID("migrate").Key(), Phase: test.phase, Run: test.run}}
			if got := w.work().isOurs(entry, manifest.PreSync); got != test.is {
				t.Errorf("the hook is this deploy's: %v", got)
			}
		})
	}
}

func TestHookFromBeforeARestartIsWaitedFor(t *testing.T) {
	inTime(t, func(w *world) {
		migrate := job("migrate", hookOf("PreSync"))
		w.ran(migrate, manifest.PreSync, live.HookRun{Target: "r5", Number: 5}, underWay)
		w.plans(w.step(migrate))
		work := w.work()
		ended := w.begins(func() error { return work.runPhase(manifest.PreSync) })
		w.becomes(jobID("migrate"), complete)
		wantError(t, <-ended, "")
		w.wantAsked()
		w.wantLog("awaiting Job shop/migrate PreSync hook, begun before the server stopped", "succeeded Job shop/migrate 1 of 1 completed")
	})
}

// TestHookThatCannotBeMade: the record notes whether the hook may have been made.
func TestHookThatCannotBeMade(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want manifest.HookEnd
	}{
		"refused": {kubetest.Refused, manifest.EndFailed}, "no answer": {kubetest.Down, manifest.EndUnbegun},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.plans(w.steps(job("migrate", hookOf("PreSync")), config("a", "1"))...)
				for range againTimes {
					w.api.refuse("apply Job shop/migrate", test.err)
				}
				work := w.work()
				err := work.Apply()
				wantCause(t, err, test.err)
				wantError(t, err, "Job shop/migrate: PreSync hook: ")
				w.wantRunning()
				if hooks := work.Hooks(); len(hooks) != 1 || hooks[0].Result != test.want || hooks[0].Message != test.err.Error() {
					t.Errorf("the hooks are %+v", hooks)
				}
			})
		})
	}
}

func TestHooksOfTheNextStageDoNotStartAfterAFailure(t *testing.T) {
	w := newWorld(t)
	w.api.refuse("apply Job shop/a", kubetest.Refused)
	w.plans(w.steps(job("a", hookOf("PreSync")), job("b", hookOf("PreSync"), wave(1)))...)
	wantError(t, w.work().runPhase(manifest.PreSync), "Job shop/a: PreSync hook: refused")
	w.wantRunning()
}

func TestEarlierRunsOfAHook(t *testing.T) {
	w := newWorld(t)
	run := live.HookRun{Target: "r4", Number: 4}
	w.ran(job("a", hookOf("PreSync")), manifest.PreSync, run, complete)
	w.ran(job("other", hookOf("PreSync")), manifest.PreSync, run, complete)
	work := w.work()
	if got := work.earlier(w.step(job("a", hookOf("PreSync")))); len(got) != 1 || got[0].ID != jobID("a") {
		t.Errorf("the earlier runs are %v", got)
	}
	w.edited(jobID("a"), beginDeletion)
	if got := work.earlier(w.step(job("a", hookOf("PreSync")))); len(got) != 0 {
		t.Errorf("an object that is being deleted is among the earlier runs: %v", got)
	}
}

// TestHooksOfARemoval: hooks run before and after the app's objects are deleted.
func TestHooksOfARemoval(t *testing.T) {
	w := newWorld(t)
	w.api.status["Job"] = complete
	w.runs(config("a", "1"))
	w.prunes(configMap("a"))
	w.plans(w.steps(job("backup", hookOf("PreDelete")), job("report", hookOf("PostDelete")), job("migrate", hookOf("PreSync")))...)
	w.order.Target.Gone, w.order.Plan.Gone = true, true
	work := w.work()
	wantError(t, work.Apply(), "")
	wantError(t, work.Prune(), "")
	w.wantRunning()
	asked := slices.DeleteFunc(w.api.asked, func(request string) bool {
		return !strings.HasPrefix(request, "apply") && !strings.HasPrefix(request, "delete ConfigMap")
	})
	if want := []string{"apply Job shop/backup", "delete ConfigMap shop/a", "apply Job shop/report"}; !slices.Equal(asked, want) {
		t.Errorf("the requests are %q, want %q", asked, want)
	}
}
