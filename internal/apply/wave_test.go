package apply

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// TestStepsAreGroupedIntoWaves: a wave has its steps stage by stage. The reversed steps
// make as many waves.
func TestStepsAreGroupedIntoWaves(t *testing.T) {
	at := func(wave int32, id manifest.ID) plan.Step {
		return plan.Step{ID: id, Policy: manifest.Policy{Wave: wave}}
	}
	hook := at(1, jobID("hook"))
	hook.Action = record.Hook
	for name, test := range map[string]struct {
		steps []plan.Step
		want  string
	}{
		"nothing":             {nil, ""},
		"one stage":           {[]plan.Step{at(0, configMap("a")), at(0, configMap("b"))}, "wave 0: a b"},
		"stages of a wave":    {[]plan.Step{at(0, plan.NamespaceID("n")), at(0, configMap("a")), at(0, deploymentID("d"))}, "wave 0: n, a, d"},
		"waves":               {[]plan.Step{at(-1, configMap("a")), at(0, configMap("b")), at(2, configMap("c"))}, "wave -1: a; wave 0: b; wave 2: c"},
		"a stage of two":      {[]plan.Step{at(0, deploymentID("a")), at(1, deploymentID("b"))}, "wave 0: a; wave 1: b"},
		"hooks after objects": {[]plan.Step{at(1, deploymentID("a")), hook}, "wave 1: a, hook"},
	} {
		forwards := WavesOf(test.steps)
		if got := shownWaves(forwards); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		slices.Reverse(test.steps)
		if backwards := WavesOf(test.steps); len(backwards) != len(forwards) {
			t.Errorf("%s: backwards, the waves are %q", name, shownWaves(backwards))
		}
	}
}

func shownWaves(waves []Wave) string {
	var told []string
	for _, v := range waves {
		var stages []string
		for _, stage := range v.stages {
			var names []string
			for _, step := range stage {
				names = append(names, step.ID.Name)
			}
			stages = append(stages, strings.Join(names, " "))
		}
		told = append(told, fmt.Sprintf("wave %d: %s", v.number, strings.Join(stages, ", ")))
	}
	return strings.Join(told, "; ")
}

func TestWaveComesWhenTheOneBeforeIsHealthy(t *testing.T) {
	inTime(t, func(w *world) {
		w.plans(w.steps(deployment("db", wave(1)), config("late", "1", wave(2)))...)
		ended := w.begins(w.work().applyWaves)
		w.wantRunning("Deployment shop/db")
		w.becomes(deploymentID("db"), available)
		wantError(t, <-ended, "")
		w.wantRunning("ConfigMap shop/late", "Deployment shop/db")
	})
}

func TestWaveWaitsForItsOwnObjectsOnly(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("sick"))
		w.plans(w.steps(config("a", "1"), config("late", "1", wave(1)))...)
		wantError(t, w.work().applyWaves(), "")
		w.wantRunning("ConfigMap shop/a", "ConfigMap shop/late", "Deployment shop/sick")
	})
}

func TestLastWaveIsNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.plans(w.steps(config("a", "1"), deployment("web", wave(1)))...)
	wantError(t, w.work().applyWaves(), "")
	w.wantLog("created ConfigMap shop/a", "created Deployment shop/web")
}

func TestCorrectionWaitsForNoWave(t *testing.T) {
	w := newWorld(t)
	w.order.Corrects = true
	w.plans(w.steps(deployment("db"), config("late", "1", wave(1)))...)
	wantError(t, w.work().applyWaves(), "")
	w.wantRunning("ConfigMap shop/late", "Deployment shop/db")
}

// TestWaveThatIsNotHealthy: the waves after it are not applied, whatever ends the wait.
func TestWaveThatIsNotHealthy(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		cause   error
		want    string
	}{
		"it fails": {
			func(w *world) { w.becomes(deploymentID("db"), stuck) }, nil,
			"wave 1 is not healthy, and the waves after it are not applied:\nDeployment shop/db: no progress for 600 s; 0 of 1 pod updated",
		},
		"it takes too long": {
			func(*world) {}, nil,
			"wave 1 is not healthy, and the waves after it are not applied:\nDeployment shop/db: not seen by its controller yet",
		},
		"an operator cancels": {
			func(w *world) { w.end(CancelledError{"alice"}) }, nil,
			"the waves after wave 1 are not applied: Deployment shop/db: not seen by its controller yet",
		},
		"a newer push comes":    {func(w *world) { w.end(ErrSuperseded) }, ErrSuperseded, "a newer revision came"},
		"the server is to stop": {func(w *world) { w.end(nil) }, ErrInterrupted, "the server is stopping"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.plans(w.steps(deployment("db", wave(1)), config("late", "1", wave(2)))...)
				ended := w.begins(w.work().applyWaves)
				test.happens(w)
				err := <-ended
				if err == nil || err.Error() != test.want || test.cause != nil && !errors.Is(err, test.cause) {
					t.Errorf("the error is %q, want %q", err, test.want)
				}
				w.wantRunning("Deployment shop/db")
			})
		})
	}
}

func TestStageThatFailsEndsTheWaves(t *testing.T) {
	w := newWorld(t)
	w.api.refuse("apply ConfigMap shop/a", kubetest.Refused)
	w.plans(w.steps(config("a", "1"), config("b", "1"), deployment("web"), config("late", "1", wave(1)))...)
	wantError(t, w.work().applyWaves(), "ConfigMap shop/a: refused")
	w.wantRunning("ConfigMap shop/b")
}

func TestSyncHookRunsAfterTheObjectsOfItsWave(t *testing.T) {
	for name, test := range map[string]struct {
		runs bool
		want []string
	}{
		"something changes": {true, []string{"apply ConfigMap shop/a", "apply Deployment shop/web", "get Job shop/seed", "apply Job shop/seed", "apply ConfigMap shop/late"}},
		"nothing changes":   {false, []string{"apply ConfigMap shop/a", "apply Deployment shop/web", "apply ConfigMap shop/late"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.order.Plan.RunsHooks = test.runs
			w.api.status["Deployment"], w.api.status["Job"] = available, complete
			w.plans(w.steps(config("a", "1"), deployment("web"), job("seed", hookOf("Sync")), config("late", "1", wave(1)))...)
			wantError(t, w.work().applyWaves(), "")
			w.wantAsked(test.want...)
		})
	}
}

func TestSyncHookThatFailsEndsTheWaves(t *testing.T) {
	w := newWorld(t)
	w.api.status["Job"] = exhausted
	w.plans(w.steps(config("a", "1"), job("seed", hookOf("Sync")), config("late", "1", wave(1)))...)
	wantError(t, w.work().applyWaves(), "Sync hook Job shop/seed failed: BackoffLimitExceeded")
	w.wantRunning("ConfigMap shop/a", "Job shop/seed")
}

func TestLastWaveIsDeletedFirst(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(config("a", "1"), config("b", "1", wave(1)), deployment("web", wave(1)))
		w.holds(configMap("b"))
		w.prunes(configMap("a"), configMap("b"), deploymentID("web"))
		ended := w.begins(func() error { return w.work().pruneWaves(w.order.Plan.Prune) })
		w.wantRunning("ConfigMap shop/a", "ConfigMap shop/b")
		w.wantLog("deleted Deployment shop/web", "deleted ConfigMap shop/b")
		w.api.vanish(configMap("b"))
		wantError(t, <-ended, "")
		w.wantRunning()
	})
}

func TestLastWaveToBeDeletedIsNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.runs(config("a", "1"))
	w.holds(configMap("a"))
	w.prunes(configMap("a"))
	wantError(t, w.work().pruneWaves(w.order.Plan.Prune), "")
	w.wantRunning("ConfigMap shop/a")
}

func TestDeletionThatFailsEndsTheWaves(t *testing.T) {
	w := newWorld(t)
	w.runs(config("a", "1"), config("b", "1", wave(1)), deployment("web", wave(1)))
	w.prunes(configMap("a"), configMap("b"), deploymentID("web"))
	w.api.refuse("delete Deployment shop/web", kubetest.Refused)
	wantError(t, w.work().pruneWaves(w.order.Plan.Prune), "Deployment shop/web: refused")
	w.wantRunning("ConfigMap shop/a", "ConfigMap shop/b", "Deployment shop/web")
}

// TestWaveThatDoesNotGo: the objects of earlier waves are not deleted, whatever ends the
// wait.
func TestWaveThatDoesNotGo(t *testing.T) {
	for name, test := range map[string]struct {
		cause error
		want  string
	}{
		"it takes too long":     {nil, "ConfigMap shop/b is not gone after 5m0s, and the waves before it are not pruned; a finalizer may hold it"},
		"a newer push comes":    {ErrSuperseded, "a newer revision came"},
		"an operator cancels":   {CancelledError{"alice"}, "cancelled by alice"},
		"the server is to stop": {errors.New("bye"), "the server is stopping"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.runs(config("a", "1"), config("b", "1", wave(1)))
				w.holds(configMap("b"))
				w.prunes(configMap("a"), configMap("b"))
				ended := w.begins(func() error { return w.work().pruneWaves(w.order.Plan.Prune) })
				if test.cause != nil {
					w.end(test.cause)
				}
				if err := <-ended; err == nil || err.Error() != test.want {
					t.Errorf("the error is %q, want %q", err, test.want)
				}
				w.wantRunning("ConfigMap shop/a", "ConfigMap shop/b")
				if want := []string{"its objects to be gone", "ConfigMap shop/b to be gone"}; !slices.Equal(w.log.waits, want) {
					t.Errorf("the deploy waits for %q", w.log.waits)
				}
			})
		})
	}
}

func TestObjectOfTheSameNameIsNotWaitedFor(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(config("a", "1"), config("b", "1", wave(1)))
		w.prunes(configMap("a"), configMap("b"))
		w.api.answer("delete ConfigMap shop/b", func() error {
			w.api.vanish(configMap("b"))
			w.runs(config("b", "2"))
			return kubetest.NotFound(configMap("b"))
		})
		wantError(t, w.work().pruneWaves(w.order.Plan.Prune), "")
		w.wantRunning("ConfigMap shop/b")
	})
}
