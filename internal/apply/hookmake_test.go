package apply

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// former is the run of a hook in an earlier deploy.
var former = live.HookRun{Target: "r4", Number: 4}

// TestWhatAnEarlierRunHasLeft: an earlier run's object makes room for the next run, unless
// the hook has to run only once.
func TestWhatAnEarlierRunHasLeft(t *testing.T) {
	always, once := policyOf("BeforeHookCreation"), policyOf("HookFailed")
	for name, test := range map[string]struct {
		policy  string
		happens func(w *world, migrate string)
		asked   []string
		log     string
	}{
		"nothing":                 {always, func(*world, string) {}, []string{"get", "apply"}, "started Job shop/migrate PreSync hook"},
		"nothing, to be run once": {once, func(*world, string) {}, []string{"get", "apply"}, "started Job shop/migrate PreSync hook"},
		"its object": {
			always, func(w *world, migrate string) { w.ran(migrate, manifest.PreSync, former, complete) },
			[]string{"delete", "get", "apply"},
			"started Job shop/migrate PreSync hook",
		},
		"its object, to be run once": {
			once, func(w *world, migrate string) { w.ran(migrate, manifest.PreSync, former, complete) },
			nil, "present Job shop/migrate PreSync hook, not run again: it is not to be deleted before",
		},
		"another tool's object": {
			always, func(w *world, migrate string) { w.made("helm", migrate) },
			[]string{"get", "delete", "get", "apply"},
			"started Job shop/migrate PreSync hook",
		},
		"another tool's object, to be run once": {
			once, func(w *world, migrate string) { w.made("helm", migrate) },
			[]string{"get"},
			"present Job shop/migrate PreSync hook, not run again: it is not to be deleted before",
		},
		"its object, from a cluster that hesitates": {
			always, func(w *world, migrate string) {
				w.ran(migrate, manifest.PreSync, former, complete)
				w.api.refuse("get Job shop/migrate", kubetest.Down)
			},
			[]string{"delete", "get", "get", "apply"},
			"started Job shop/migrate PreSync hook",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				migrate := job("migrate", hookOf("PreSync"), test.policy)
				test.happens(w, migrate)
				w.api.asked = nil
				w.api.status["Job"] = complete
				w.plans(w.step(migrate))
				if strings.HasPrefix(test.log, "present") {
					w.becomes(jobID("migrate"), complete)
				}
				wantError(t, w.work().runPhase(manifest.PreSync), "")
				for i := range test.asked {
					test.asked[i] += " Job shop/migrate"
				}
				w.wantAsked(test.asked...)
				w.wantLog(test.log, "succeeded Job shop/migrate 1 of 1 completed")
			})
		})
	}
}

// TestRoomThatCannotBeMadeForAHook: a hook does not run if the object in its place cannot
// be deleted.
func TestRoomThatCannotBeMadeForAHook(t *testing.T) {
	migrate := job("migrate", hookOf("PreSync"))
	for name, happens := range map[string]func(w *world){
		"it cannot be read": func(w *world) { w.api.refuse("get Job shop/migrate", kubetest.Refused) },
		"it cannot be deleted": func(w *world) {
			w.ran(migrate, manifest.PreSync, former, complete)
			w.api.refuse("delete Job shop/migrate", kubetest.Refused)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			happens(w)
			w.plans(w.step(migrate))
			wantError(t, w.work().runPhase(manifest.PreSync), "Job shop/migrate: PreSync hook: refused")
			if slices.Contains(w.api.asked, "apply Job shop/migrate") {
				t.Error("the hook runs")
			}
		})
	}
}

const generatedJob = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: migrate-\n  annotations:\n    argocd.argoproj.io/hook: 'PreSync,PostSync'\nspec: {backoffLimit: 1}\n"

// TestGeneratedNamesOfHooks: each deploy and each phase has its own name, and a deploy that
// is continued keeps the name that it had.
func TestGeneratedNamesOfHooks(t *testing.T) {
	name := func(phase manifest.Phase, id string, number int) string {
		w := newWorld(t)
		w.order.ID, w.order.Number = id, number
		entry, err := w.work().createHook(phase, w.step(generatedJob))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(entry.ID.Name, "migrate-") || len(entry.ID.Name) != len("migrate-01234567") {
			t.Errorf("the hook's name is %q", entry.ID.Name)
		}
		return entry.ID.Name
	}
	first := name(manifest.PreSync, "r5", 5)
	if again := name(manifest.PreSync, "r5", 5); again != first {
		t.Errorf("the hook's name is first %s, then %s", first, again)
	}
	names := []string{first, name(manifest.PostSync, "r5", 5), name(manifest.PreSync, "r5", 6), name(manifest.PreSync, "r6", 5)}
	slices.Sort(names)
	if len(slices.Compact(names)) != 4 {
		t.Errorf("the names are %q", names)
	}
}

// TestGeneratedHookMakesRoomToo: the earlier run of a hook with a generated name is found
// by its mark, since its name is not known.
func TestGeneratedHookMakesRoomToo(t *testing.T) {
	w := newWorld(t)
	w.api.status["Job"] = complete
	w.plans(w.step(generatedJob))
	wantError(t, w.work().runPhase(manifest.PreSync), "")
	before := idsOf(w.api.running)
	w.app.HookMemory.noteEnd(5)
	w.order.Number = 6
	wantError(t, w.work().runPhase(manifest.PreSync), "")
	if after := idsOf(w.api.running); len(after) != len(before) || slices.Equal(after, before) {
		t.Errorf("the objects are %q, and were %q before", after, before)
	}
}

// TestGeneratedHookRunsEachTime: even a hook that has to run only once runs again if its
// name is generated, since no two names are the same.
func TestGeneratedHookRunsEachTime(t *testing.T) {
	w := newWorld(t)
	w.api.status["Job"] = complete
	w.plans(w.step(strings.Replace(generatedJob, "spec:", "    "+policyOf("HookFailed")+"\nspec:", 1)))
	wantError(t, w.work().runPhase(manifest.PreSync), "")
	w.app.HookMemory.noteEnd(5)
	w.order.Number = 6
	wantError(t, w.work().runPhase(manifest.PreSync), "")
	if jobs := idsOf(w.api.running); len(jobs) != 3 { // with the namespace
		t.Errorf("the objects are %q", jobs)
	}
	if slices.ContainsFunc(w.api.asked, func(request string) bool { return !strings.HasPrefix(request, "apply Job shop/migrate-") }) {
		t.Errorf("the requests are %q", w.api.asked)
	}
}

func TestMadeHookIsMarked(t *testing.T) {
	w := newWorld(t)
	step := w.step(job("migrate", hookOf("PreSync")))
	entry, err := w.work().createHook(manifest.PreSync, step)
	if err != nil {
		t.Fatal(err)
	}
	if want := (live.Hook{Key: jobID("migrate").Key(), Phase: manifest.PreSync, Run: live.HookRun{Target: "r5", Number: 5}}); entry.Hook == nil || *entry.Hook != want {
		t.Errorf("the hook's mark is %+v", entry.Hook)
	}
	if len(step.Object.GetAnnotations()) != 1 {
		t.Errorf("the plan's object is marked as well: %v", step.Object.GetAnnotations())
	}
}

func TestHookOfANewDefinitionIsMadeAgain(t *testing.T) {
	inTime(t, func(w *world) {
		w.api.status["Job"] = complete
		w.api.refuse("apply Job shop/migrate", kubetest.Refused, kubetest.Refused)
		step := w.step(job("migrate", hookOf("PreSync")))
		step.Defined = true
		w.plans(step)
		wantError(t, w.work().runPhase(manifest.PreSync), "")
	})
}

func TestRefusedHookIsToldPlainly(t *testing.T) {
	w := newWorld(t)
	w.api.plainly = "spec.x is not a field"
	w.api.refuse("apply Job shop/migrate", kubetest.Refused)
	w.plans(w.step(job("migrate", hookOf("PreSync"))))
	wantError(t, w.work().runPhase(manifest.PreSync), "PreSync hook: spec.x is not a field")
}

func TestMadeHookIsKnownBeforeTheWatchTells(t *testing.T) {
	w := newWorld(t)
	w.api.tell = nil
	if _, err := w.work().createHook(manifest.PreSync, w.step(job("migrate", hookOf("PreSync")))); err != nil {
		t.Fatal(err)
	}
	if got := w.index.Hooks(plan.SetID("shop")); len(got) != 1 {
		t.Errorf("the index has %v", got)
	}
}

func TestWarningsOfHooksAreHeard(t *testing.T) {
	w := newWorld(t)
	step := w.step(job("migrate", hookOf("PreSync")))
	step.Warned = manifest.Problems{{Message: "deprecated"}}
	work := w.work()
	if _, err := work.createHook(manifest.PreSync, step); err != nil {
		t.Fatal(err)
	}
	if got := work.Warnings(); len(got) != 1 || got[0].Text != "deprecated" {
		t.Errorf("the warnings are %v", got)
	}
}

// TestHookUnderWayIsLetEnd: a hook that is under way may end before it is deleted to make
// room. A migration that is killed half way is worse than a late deploy.
func TestHookUnderWayIsLetEnd(t *testing.T) {
	migrate := job("migrate", hookOf("PreSync"))
	for name, test := range map[string]struct {
		happens func(w *world)
		after   time.Duration
	}{
		"it succeeds":       {func(w *world) { w.becomes(jobID("migrate"), complete) }, 0},
		"it fails":          {func(w *world) { w.becomes(jobID("migrate"), exhausted) }, 0},
		"it is deleted":     {func(w *world) { w.api.vanish(jobID("migrate")) }, 0},
		"its pod fails":     {func(w *world) { w.pods.become("shop", podOf(w, jobID("migrate"), "p", crashing)) }, 0},
		"it takes too long": {func(*world) {}, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.ran(migrate, manifest.PreSync, former, underWay)
				w.plans(w.step(migrate))
				began := time.Now()
				ended := w.begins(func() error { return w.work().startHooks(manifest.PreSync, w.order.Plan.Hooks) })
				w.wantAsked()
				w.wantLog("awaiting Job shop/migrate still under way from an earlier deploy")
				if got := w.log.waits; !slices.Equal(got, []string{"Job shop/migrate, still under way from an earlier deploy"}) {
					t.Errorf("the deploy waits for %q", got)
				}
				test.happens(w)
				wantError(t, <-ended, "")
				if took := time.Since(began); took != test.after {
					t.Errorf("the wait takes %s", took)
				}
				if !slices.Contains(w.api.asked, "apply Job shop/migrate") {
					t.Errorf("the requests are %q", w.api.asked)
				}
			})
		})
	}
}

func TestPodThatIsNotReadyDoesNotEndTheWaitForAHook(t *testing.T) {
	inTime(t, func(w *world) {
		migrate := job("migrate", hookOf("PreSync"))
		w.ran(migrate, manifest.PreSync, former, underWay)
		w.plans(w.step(migrate))
		ended := w.begins(func() error { return w.work().startHooks(manifest.PreSync, w.order.Plan.Hooks) })
		w.pods.become("shop", podOf(w, jobID("migrate"), "p", notReady))
		synctest.Wait()
		select {
		case err := <-ended:
			t.Errorf("the wait has ended: %v", err)
		default:
		}
		w.becomes(jobID("migrate"), complete)
		wantError(t, <-ended, "")
	})
}

func TestWaitForAnEarlierHookEndsWithTheDeploy(t *testing.T) {
	inTime(t, func(w *world) {
		migrate := job("migrate", hookOf("PreSync"))
		w.ran(migrate, manifest.PreSync, former, underWay)
		w.plans(w.step(migrate))
		ended := w.begins(func() error { return w.work().startHooks(manifest.PreSync, w.order.Plan.Hooks) })
		w.end(ErrSuperseded)
		wantCause(t, <-ended, ErrSuperseded)
		w.wantAsked()
	})
}

// TestHooksThatAreNotLetEnd: there is no wait for hooks that have ended, or that need not
// be deleted.
func TestHooksThatAreNotLetEnd(t *testing.T) {
	for name, test := range map[string]struct {
		policy string
		run    live.HookRun
		status string
	}{
		"it has ended":            {policyOf("BeforeHookCreation"), former, complete},
		"it is this deploy's":     {policyOf("BeforeHookCreation"), live.HookRun{Target: "r5", Number: 5}, underWay},
		"it is not to be deleted": {policyOf("HookSucceeded"), former, underWay},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				migrate := job("migrate", hookOf("PreSync"), test.policy)
				w.ran(migrate, manifest.PreSync, test.run, test.status)
				w.plans(w.step(migrate))
				wantError(t, w.work().letEnd(manifest.PreSync, w.order.Plan.Hooks), "")
				w.wantLog()
			})
		})
	}
}
