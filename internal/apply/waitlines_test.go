package apply

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// entry returns the index's entry of an object.
func (w *world) entry(id manifest.ID) live.Entry {
	w.t.Helper()
	entry, ok := w.index.Get(id)
	if !ok {
		w.t.Fatalf("the index has no %s", id)
	}
	return entry
}

// passTime lets time pass.
func passTime(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestObjectThatIsSoonHealthyHasOneLine(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"))
		ended := w.begins(w.work().AwaitHealthy)
		passTime(LineEvery - time.Millisecond)
		w.becomes(deploymentID("a"), available)
		wantError(t, <-ended, "")
		w.wantLog("healthy Deployment shop/a 1 of 1 pod ready")
	})
}

func TestObjectThatIsNotHealthyForAWhileHasALine(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"))
		ended := w.begins(w.work().AwaitHealthy)
		passTime(LineEvery + lookEvery)
		w.wantLog("waiting Deployment shop/a not seen by its controller yet")
		passTime(10 * LineEvery) // the same state is not reported again
		w.becomes(deploymentID("a"), available)
		wantError(t, <-ended, "")
		w.wantLog("waiting Deployment shop/a not seen by its controller yet", "healthy Deployment shop/a 1 of 1 pod ready")
	})
}

// TestLinesDoNotComeTooOften: a rollout of ten pods passes through twenty states in a
// second.
func TestLinesDoNotComeTooOften(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(strings.Replace(deployment("a"), "replicas: 1", "replicas: 50", 1))
		ended := w.begins(w.work().AwaitHealthy)
		const looks = 40
		for i := range looks {
			w.becomes(deploymentID("a"), fmt.Sprintf("{observedGeneration: 1, updatedReplicas: %d}", i))
			passTime(LineEvery / 10)
		}
		if got := strings.Count(w.log.String(), "\n") + 1; got != looks/10 {
			t.Errorf("there are %d lines:\n%s", got, w.log)
		}
		w.end(ErrSuperseded)
		<-ended
	})
}

func TestFailureIsToldAtOnce(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"), deployment("b"))
		w.becomes(deploymentID("a"), stuck)
		ended := w.begins(w.work().AwaitHealthy)
		w.wantLog("failing Deployment shop/a no progress for 600 s; 0 of 1 pod updated")
		w.end(ErrSuperseded)
		<-ended
	})
}

func TestRecoveredObjectsAreToldInOrder(t *testing.T) {
	inTime(t, func(w *world) {
		wait := w.work().newWaiting(nil)
		for _, name := range []string{"rest", "c", "b", "a"} {
			w.runs(deployment(name))
			wait.look(w.t.Context())
		}
		for _, name := range []string{"b", "c", "a"} {
			w.becomes(deploymentID(name), available)
		}
		wait.look(w.t.Context())
		w.wantLog("healthy Deployment shop/a 1 of 1 pod ready", "healthy Deployment shop/b 1 of 1 pod ready", "healthy Deployment shop/c 1 of 1 pod ready")
		wait.look(w.t.Context()) // the recovered objects are not reported again
		if got := strings.Count(w.log.String(), "\n"); got != 2 {
			t.Errorf("the log is\n%s", w.log)
		}
	})
}

func TestWaveLooksAtItsOwnObjectsOnly(t *testing.T) {
	w := newWorld(t)
	w.runs(deployment("a"), deployment("b"))
	sick := w.work().newWaiting(map[manifest.ID]bool{deploymentID("a"): true}).look(t.Context())
	if len(sick) != 1 || sick[0].ID != deploymentID("a") {
		t.Errorf("the sick objects are %v", sick)
	}
}

func TestNothingOfTheLastRestShowsInANewIllness(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"))
		w.order.Target.Objects = parsed(t, deployment("a"))
		w.pods.become("shop", podOf(w, deploymentID("a"), "p", crashing))
		wait := w.work().newWaiting(nil)
		defer wait.close()
		wait.look(w.t.Context())
		passTime(LineEvery)
		wait.look(w.t.Context())
		w.becomes(deploymentID("a"), available)
		wait.look(w.t.Context())
		if len(wait.lines)+len(wait.causes)+len(wait.told) != 0 {
			t.Errorf("there are %d lines, %d causes", len(wait.lines), len(wait.causes))
		}
	})
}

func TestCausesArePrintedOnce(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"))
		w.order.Target.Objects = parsed(t, deployment("a"))
		w.pods.become("shop", podOf(w, deploymentID("a"), "p", pulling))
		ended := w.begins(w.work().AwaitHealthy)
		passTime(10 * LineEvery)
		w.wantLog(
			"waiting Deployment shop/a not seen by its controller yet",
			"failing Deployment shop/a ImagePullBackOff (container main): x:1: not found",
		)
		w.pods.become("shop", podOf(w, deploymentID("a"), "p", crashing))
		synctest.Wait()
		if got := w.log.String(); !strings.HasSuffix(got, "\nfailing Deployment shop/a CrashLoopBackOff (container main): exit code 1, restarted 3 times") {
			t.Errorf("the log is\n%s", got)
		}
		w.end(ErrSuperseded)
		<-ended
	})
}

func TestCauseThatGoesHasNoLine(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"))
		w.order.Target.Objects = parsed(t, deployment("a"))
		w.pods.become("shop", podOf(w, deploymentID("a"), "p", pulling))
		ended := w.begins(w.work().AwaitHealthy)
		passTime(2 * LineEvery)
		told := w.log.String()
		w.pods.become("shop", podOf(w, deploymentID("a"), "p", ready))
		passTime(LineEvery)
		if got := w.log.String(); got != told {
			t.Errorf("the log is\n%s\nand was\n%s", got, told)
		}
		if got := w.log.waits[len(w.log.waits)-1]; got != "Deployment shop/a: not seen by its controller yet" {
			t.Errorf("the deploy waits for %q", got)
		}
		w.end(ErrSuperseded)
		<-ended
	})
}

func TestPodThatIsOnlyNotReadyHasNoLine(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"))
		w.order.Target.Objects = parsed(t, deployment("a"))
		w.pods.become("shop", podOf(w, deploymentID("a"), "p", notReady))
		ended := w.begins(w.work().AwaitHealthy)
		passTime(3 * LineEvery)
		w.wantLog("waiting Deployment shop/a not seen by its controller yet")
		if got := w.log.waits[len(w.log.waits)-1]; got != "Deployment shop/a: not seen by its controller yet\nNotReady: probe fails" {
			t.Errorf("the deploy waits for %q", got)
		}
		w.end(ErrSuperseded)
		<-ended
	})
}

func TestCausesHideWhatTheAppHides(t *testing.T) {
	inTime(t, func(w *world) {
		w.hides("not found")
		w.runs(deployment("a"))
		w.order.Target.Objects = parsed(t, deployment("a"))
		w.pods.become("shop", podOf(w, deploymentID("a"), "p", pulling))
		ended := w.begins(w.work().AwaitHealthy)
		passTime(3 * LineEvery)
		if all := w.log.String() + strings.Join(w.log.waits, "\n"); strings.Contains(all, "not found") || !strings.Contains(all, "x:1: ***") {
			t.Errorf("the log and the waits are\n%s", all)
		}
		w.end(ErrSuperseded)
		<-ended
	})
}

// TestPodsAreWatched: pods are watched only for objects that run pods and have been
// unhealthy for a while.
func TestPodsAreWatched(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		after time.Duration
		want  int
	}{
		"not yet":                   {deployment("a"), LineEvery - time.Millisecond, 0},
		"after a while":             {deployment("a"), LineEvery, 1},
		"not for what runs no pods": {"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n", LineEvery, 0},
		"once for several objects":  {deployment("a") + "\n---\n" + deployment("b"), LineEvery, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.api.status["PersistentVolumeClaim"] = "{phase: Pending}"
				w.runs(test.text)
				ended := w.begins(w.work().AwaitHealthy)
				passTime(test.after)
				if w.pods.begun != test.want {
					t.Errorf("there are %d watches", w.pods.begun)
				}
				w.end(ErrSuperseded)
				<-ended
				if got := len(w.app.Cluster.pods.watches); got != 0 {
					t.Errorf("%d watches are left", got)
				}
			})
		})
	}
}

// TestObjectsThatTheRevisionDoesNotHave: no causes are looked for, so the cluster is asked
// nothing.
func TestObjectsThatTheRevisionDoesNotHave(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"))
		w.pods.become("shop", podOf(w, deploymentID("a"), "p", crashing))
		ended := w.begins(w.work().AwaitHealthy)
		passTime(2 * LineEvery)
		w.wantAsked()
		w.wantLog("waiting Deployment shop/a not seen by its controller yet")
		w.end(ErrSuperseded)
		<-ended
	})
}

func TestNothingIsAskedWhileNoPodHasTrouble(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"))
		w.order.Target.Objects = parsed(t, deployment("a"))
		w.pods.become("shop", podOf(w, deploymentID("a"), "p", ready))
		ended := w.begins(w.work().AwaitHealthy)
		passTime(2 * LineEvery)
		w.wantAsked()
		w.end(ErrSuperseded)
		<-ended
	})
}

func TestStateIsInTheObjectsOwnWords(t *testing.T) {
	for want, h := range map[string]health.Health{
		"0 of 1 pod ready": {Status: health.Progressing, Message: "0 of 1 pod ready"},
		"progressing":      {Status: health.Progressing},
	} {
		if got := State(h); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestLooksRest: without a pause between looks, each change would look at all objects, of
// which there may be ten thousand.
func TestLooksRest(t *testing.T) {
	rolls := func(w *world) { w.becomes(deploymentID("a"), rolling) }
	for name, test := range map[string]struct {
		look         time.Duration // how long half a look takes
		changes      time.Duration // how long the changes go on
		change       func(w *world)
		fewest, most int // the number of looks in that time
	}{
		"quick looks": {5 * time.Millisecond, 2 * time.Second, rolls, 30, 52},
		"slow looks":  {500 * time.Millisecond, 10 * time.Second, rolls, 7, 11},
		"at pods":     {5 * time.Millisecond, 3 * time.Second, func(w *world) { w.pods.become("shop") }, 30, 70},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.order.Target.Telling = func() func(string) string {
					<-time.After(test.look)
					return func(text string) string { return text }
				}
				work := w.work()
				w.runs(deployment("a"))
				began := time.Now()
				ended := w.begins(work.AwaitHealthy)
				for time.Since(began) < test.changes {
					test.change(w)
					<-time.After(2 * test.look)
				}
				if looks := w.log.countWaits(); looks > test.most || looks < test.fewest {
					t.Errorf("there are %d looks", looks)
				}
				w.end(ErrSuperseded)
				<-ended
			})
		})
	}
}

func TestPauseEndsWithItsContext(t *testing.T) {
	inTime(t, func(w *world) {
		began := time.Now()
		pause(w.order.Wait, time.Second)
		if took := time.Since(began); took != time.Second {
			t.Errorf("the pause takes %s", took)
		}
		w.end(nil)
		pause(w.order.Wait, time.Second)
		if took := time.Since(began); took != time.Second {
			t.Errorf("both pauses take %s", took)
		}
	})
}

func TestWatchesOfANamespaceAreJoinedOnce(t *testing.T) {
	inTime(t, func(w *world) {
		wait := w.work().newWaiting(nil)
		if first, second := wait.podsOf("shop"), wait.podsOf("shop"); first != second || len(wait.ends) != 1 {
			t.Errorf("the wait has joined %d times", len(wait.ends))
		}
		wait.podsOf("blog")
		wait.close()
		if got := slices.Collect(func(yield func(string) bool) {
			for namespace := range w.app.Cluster.pods.watches {
				if !yield(namespace) {
					return
				}
			}
		}); len(got) > 0 {
			t.Errorf("the pods of %q are still watched", got)
		}
	})
}
