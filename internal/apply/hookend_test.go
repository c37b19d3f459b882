package apply

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// TestHooksForAFailure: the hooks for failures run once, and their outcomes do not change
// the deploy's.
func TestHooksForAFailure(t *testing.T) {
	for name, test := range map[string]struct {
		status  string
		happens func(w *world)
		want    []string
	}{
		"succeed": {complete, func(*world) {}, []string{
			"started Job shop/alarm SyncFail hook", "succeeded Job shop/alarm 1 of 1 completed",
		}},
		"fail": {exhausted, func(*world) {}, []string{
			"started Job shop/alarm SyncFail hook", "failed Job shop/alarm SyncFail hook: BackoffLimitExceeded",
			"  SyncFail hook Job shop/alarm failed: BackoffLimitExceeded",
		}},
		"are left when the server stops": {underWay, func(w *world) { w.end(nil) }, []string{"started Job shop/alarm SyncFail hook"}},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.api.status["Job"] = test.status
				w.plans(w.steps(job("alarm", hookOf("SyncFail")), config("a", "1"))...)
				w.api.refuse("apply ConfigMap shop/a", kubetest.Refused)
				work := w.work()
				wantError(t, work.Apply(), "refused")
				test.happens(w)
				work.AfterFailure()
				w.wantLog(append([]string{"failed ConfigMap shop/a refused"}, test.want...)...)
			})
		})
	}
}

// TestHooksAfterAFailureHaveErrorsOfTheirOwn: the deploy's error does not stop the hooks
// for failures.
func TestHooksAfterAFailureHaveErrorsOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	w.api.status["Job"] = complete
	w.plans(w.step(job("alarm", hookOf("SyncFail"))))
	work := w.work()
	work.fail(configMap("a"), kubetest.Refused)
	work.AfterFailure()
	if hooks := work.Hooks(); len(hooks) != 1 || hooks[0].Result != manifest.EndSucceeded {
		t.Errorf("the hooks are %+v", hooks)
	}
}

// TestHooksAfterAFailureWaitForThemselvesOnly: the hooks for failures do not wait for an
// earlier hook, which was started beside one that could not be made.
func TestHooksAfterAFailureWaitForThemselvesOnly(t *testing.T) {
	inTime(t, func(w *world) {
		w.plans(w.steps(job("a", hookOf("PreSync")), job("b", hookOf("PreSync")), job("alarm", hookOf("SyncFail")))...)
		w.api.refuse("apply Job shop/a", kubetest.Refused)
		w.api.status["Job"] = underWay
		work := w.work()
		wantError(t, work.Apply(), "Job shop/a: PreSync hook: refused")
		ended := w.begins(func() error { work.AfterFailure(); return nil })
		w.becomes(jobID("alarm"), complete)
		began := time.Now()
		<-ended
		if took := time.Since(began); took > 0 {
			t.Errorf("the hooks for failures take %s", took)
		}
	})
}

func TestHooksAfterARemovalComeWhenAllIsGone(t *testing.T) {
	inTime(t, func(w *world) {
		w.api.status["Job"] = complete
		w.runs(config("a", "1"))
		w.holds(configMap("a"))
		w.prunes(configMap("a"))
		w.plans(w.step(job("report", hookOf("PostDelete"))))
		w.order.Target.Gone, w.order.Plan.Gone = true, true
		ended := w.begins(w.work().Prune)
		w.wantRunning("ConfigMap shop/a")
		w.api.vanish(configMap("a"))
		wantError(t, <-ended, "")
		w.wantRunning() // the hook is gone as well
	})
}

func TestRemovalWithoutHooksDoesNotWait(t *testing.T) {
	w := newWorld(t)
	w.runs(config("a", "1"))
	w.holds(configMap("a"))
	w.prunes(configMap("a"))
	w.ran(job("old", hookOf("PostSync")), manifest.PostSync, former, complete)
	w.order.Target.Gone, w.order.Plan.Gone = true, true
	wantError(t, w.work().Prune(), "")
	w.wantRunning("ConfigMap shop/a") // the hook of an earlier deploy is deleted
}

// TestRemovalWhoseEndIsNotSeen: a removal whose end is not seen keeps the app's inventory.
func TestRemovalWhoseEndIsNotSeen(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		want    string
	}{
		"objects stay":                   {func(w *world) { w.holds(configMap("a")); w.prunes(configMap("a")) }, "is not gone after 5m0s"},
		"a hook fails":                   {func(w *world) { w.prunes(configMap("a")); w.api.status["Job"] = exhausted }, "PostDelete hook Job shop/report failed"},
		"a hook's object is not deleted": {func(w *world) { w.prunes(configMap("a")); w.api.refuse("served Job.batch", kubetest.Refused) }, "delete the hook Job shop/report: refused"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.api.parent = ourParent()
				w.api.status["Job"] = complete
				w.runs(config("a", "1"))
				w.plans(w.step(job("report", hookOf("PostDelete"))))
				w.order.Target.Gone, w.order.Plan.Gone = true, true
				test.happens(w)
				wantError(t, w.work().Prune(), test.want)
				if !w.api.parent.Exists() {
					t.Error("the inventory is gone")
				}
			})
		})
	}
}

// TestHookPolicies: a hook's policy decides whether its object outlives the deploy.
func TestHookPolicies(t *testing.T) {
	for name, test := range map[string]struct {
		policy string
		status string
		stays  bool
	}{
		"succeeded, and nothing asked":     {"BeforeHookCreation", complete, true},
		"failed, and nothing asked":        {"BeforeHookCreation", exhausted, true},
		"succeeded, to go after a success": {"HookSucceeded", complete, false},
		"failed, to go after a success":    {"HookSucceeded", exhausted, true},
		"succeeded, to go after a failure": {"HookFailed", complete, true},
		"failed, to go after a failure":    {"HookFailed", exhausted, false},
		"succeeded, to go in any case":     {"'HookSucceeded,HookFailed'", complete, false},
		"failed, to go in any case":        {"'HookSucceeded,HookFailed'", exhausted, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.api.status["Job"] = test.status
			w.plans(w.step(job("migrate", hookOf("PreSync"), policyOf(test.policy))))
			work := w.work()
			failed := work.Apply()
			rec := record.Record{Result: record.Deployed}
			if failed != nil {
				rec.Result = record.Failed
			}
			work.EndHooks(&rec)
			if stays := w.api.look(jobID("migrate")) != nil; stays != test.stays {
				t.Errorf("the hook's object stays: %v", stays)
			}
			if len(rec.Hooks) != 1 || w.app.HookMemory.lastEnded() != 5 {
				t.Errorf("recorded are %v; the newest deploy that has ended is %d", rec.Hooks, w.app.HookMemory.lastEnded())
			}
		})
	}
}

// TestHooksThatLeftTheRevision: a successful deploy deletes the objects of hooks that the
// revision no longer has.
func TestHooksThatLeftTheRevision(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		result  record.Result
		runs    []string
	}{
		"deployed":             {func(*world) {}, record.Deployed, []string{"Job shop/kept"}},
		"failed":               {func(*world) {}, record.Failed, []string{"Job shop/kept", "Job shop/left"}},
		"a correction":         {func(w *world) { w.order.Corrects = true }, record.Corrected, []string{"Job shop/kept", "Job shop/left"}},
		"the app is removed":   {func(w *world) { w.order.Target.Gone = true }, record.Removed, []string{"Job shop/kept", "Job shop/left"}},
		"it is on its way out": {func(w *world) { w.edited(jobID("left"), beginDeletion) }, record.Deployed, []string{"Job shop/kept", "Job shop/left"}},
		"another took its place": {
			func(w *world) {
				w.api.answer("served Job.batch", func() error { w.api.vanish(jobID("left")); w.made("kubectl-create", job("left")); return nil })
			}, record.Deployed, []string{"Job shop/kept", "Job shop/left"},
		},
		"it is gone": {
			func(w *world) {
				w.api.answer("served Job.batch", func() error { w.api.vanish(jobID("left")); return nil })
			},
			record.Deployed,
			[]string{"Job shop/kept"},
		},
		"its kind is gone": {
			func(w *world) { delete(w.api.kinds, jobID("").GroupKind().WithVersion("v1")) }, record.Deployed, []string{"Job shop/kept", "Job shop/left"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				kept := job("kept", hookOf("PreSync"))
				w.ran(kept, manifest.PreSync, former, complete)
				w.ran(job("left", hookOf("PreSync")), manifest.PreSync, former, complete)
				w.plans(w.step(kept))
				test.happens(w)
				w.work().EndHooks(&record.Record{Result: test.result})
				w.wantRunning(test.runs...)
				w.wantLog()
			})
		})
	}
}

// TestHooksOutsideOfTheGrantStay: of what a narrower grant no longer gives, nothing is
// deleted, and that is said.
func TestHooksOutsideOfTheGrantStay(t *testing.T) {
	w := newWorld(t)
	w.ran(job("left", hookOf("PreSync")), manifest.PreSync, former, complete)
	w.app.Within = plan.Bounds{Repo: "shop", Grant: &grant.Grant{Namespaces: grant.Namespaces{Patterns: []glob.Pattern{"other"}}}}
	w.work().EndHooks(&record.Record{Result: record.Deployed})
	w.wantRunning("Job shop/left")
	w.wantLog("  Job shop/left  (kept: the grant of repository shop does not give the namespace shop)")
}

func TestHookThatCannotBeDeletedIsToldAndLeft(t *testing.T) {
	w := newWorld(t)
	w.ran(job("left", hookOf("PreSync")), manifest.PreSync, former, complete)
	w.api.refuse("delete Job shop/left", kubetest.Refused)
	w.work().EndHooks(&record.Record{Result: record.Deployed})
	w.wantLog("warning: delete the hook Job shop/left: refused; the next deploy tries again")
}

func TestHooksOfKindsThatCannotBeAskedForAreTold(t *testing.T) {
	w := newWorld(t)
	w.ran(job("left", hookOf("PreSync")), manifest.PreSync, former, complete)
	w.api.refuse("served Job.batch", kubetest.Down)
	w.work().EndHooks(&record.Record{Result: record.Deployed})
	if got := w.log.String(); !strings.HasPrefix(got, "warning: delete the hook Job shop/left: cluster default does not answer") {
		t.Errorf("the log is %s", got)
	}
}

// TestObjectThatWasNotMadeAsAHook: when hooks end, such an object is judged by its health.
func TestObjectThatWasNotMadeAsAHook(t *testing.T) {
	inTime(t, func(w *world) {
		once := job("migrate", hookOf("PreSync"), policyOf("HookSucceeded"))
		w.made("helm", once)
		w.becomes(jobID("migrate"), complete)
		w.edited(jobID("migrate"), func(u *unstructured.Unstructured) {
			u.SetLabels(map[string]string{kube.PartOfLabel: plan.SetID("shop")})
		})
		w.plans(w.step(once))
		work := w.work()
		wantError(t, work.runPhase(manifest.PreSync), "")
		work.EndHooks(&record.Record{Result: record.Deployed})
		w.wantRunning()
	})
}

// TestHookIsOverWhenItHasEnded: a hook that is under way is not over.
func TestHookIsOverWhenItHasEnded(t *testing.T) {
	inTime(t, func(w *world) {
		w.api.status["Job"] = underWay
		w.plans(w.step(job("migrate", hookOf("PreSync"), policyOf("HookSucceeded"))))
		work := w.work()
		ended := w.begins(func() error { return work.runPhase(manifest.PreSync) })
		if over := work.overHooks(); len(over) > 0 {
			t.Errorf("the hooks that are over are %v", over)
		}
		w.becomes(jobID("migrate"), complete)
		wantError(t, <-ended, "")
		if over := work.overHooks(); len(over) != 1 || over[0].ID != jobID("migrate") {
			t.Errorf("the hooks that are over are %v", over)
		}
	})
}

// TestHookThatDidNotEndByItselfHasFailed: the hook's policy for failures applies to it.
func TestHookThatDidNotEndByItselfHasFailed(t *testing.T) {
	inTime(t, func(w *world) {
		w.api.status["Job"] = underWay
		w.plans(w.step(job("migrate", hookOf("PreSync"), policyOf("HookFailed"))))
		work := w.work()
		wantError(t, work.Apply(), "not done after 5m0s")
		work.EndHooks(&record.Record{Result: record.Failed})
		w.wantRunning()
	})
}
