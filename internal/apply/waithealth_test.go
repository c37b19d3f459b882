package apply

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestAppThatIsHealthyIsNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.runs(config("a", "1"))
	wantError(t, w.work().AwaitHealthy(), "")
	w.wantLog()
	if want := []string{"its objects to become healthy", "the cluster to take its objects"}; !slices.Equal(w.log.waits, want) {
		t.Errorf("the deploy waits for %q", w.log.waits)
	}
}

func TestWaitEndsWhenAllIsHealthy(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"), deployment("b"))
		ended := w.begins(w.work().AwaitHealthy)
		w.becomes(deploymentID("a"), available)
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("the wait has ended: %v", err)
		default:
		}
		w.becomes(deploymentID("b"), available)
		wantError(t, <-ended, "")
		want := []string{
			"Deployment shop/a: not seen by its controller yet (and 1 more)",
			"Deployment shop/b: not seen by its controller yet",
		}
		if got := slices.Compact(w.log.waits[1 : len(w.log.waits)-1]); !slices.Equal(got, want) {
			t.Errorf("the deploy waits for %q", got)
		}
	})
}

func TestObjectThatGoesIsNotWaitedFor(t *testing.T) {
	for name, happens := range map[string]func(w *world){
		"it is gone":           func(w *world) { w.api.vanish(deploymentID("a")) },
		"its deletion begins":  func(w *world) { w.edited(deploymentID("a"), beginDeletion) },
		"another app takes it": func(w *world) { w.takenBy("blog", deploymentID("a")) },
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.runs(deployment("a"))
				ended := w.begins(w.work().AwaitHealthy)
				happens(w)
				wantError(t, <-ended, "")
			})
		})
	}
}

// TestWaitThatEndsUnhealthy: the error names an object, and what is wrong with it.
func TestWaitThatEndsUnhealthy(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		want    string
		within  time.Duration
	}{
		"something fails for good": {
			func(w *world) { w.becomes(deploymentID("a"), stuck) },
			"Deployment shop/a: no progress for 600 s; 0 of 1 pod updated", 0,
		},
		"it takes too long": {func(*world) {}, "Deployment shop/a: not seen by its controller yet", 5 * time.Minute},
		"an operator cancels": {
			func(w *world) { w.end(CancelledError{"alice"}) }, "Deployment shop/a: not seen by its controller yet", 0,
		},
		"a pod would fail anywhere": {
			func(w *world) { w.pods.become("shop", podOf(w, deploymentID("a"), "p", misnamed)) },
			"Deployment shop/a: not seen by its controller yet\nInvalidImageName (container main): cannot parse X", LineEvery,
		},
		"it takes too long, and a pod tells why": {
			func(w *world) { w.pods.become("shop", podOf(w, deploymentID("a"), "p", pulling)) },
			"Deployment shop/a: not seen by its controller yet\nImagePullBackOff (container main): x:1: not found", 5 * time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				work := w.work()
				w.runs(deployment("a"))
				w.order.Target.Objects = parsed(t, deployment("a"))
				began := time.Now()
				ended := w.begins(work.AwaitHealthy)
				test.happens(w)
				err := <-ended
				unhealthy, ok := errors.AsType[UnhealthyError](err)
				if !ok || unhealthy.Reason != test.want || err.Error() != test.want {
					t.Errorf("the error is %v, want %s", err, test.want)
				}
				if took := time.Since(began); took != test.within {
					t.Errorf("the wait takes %s", took)
				}
			})
		})
	}
}

func TestWaitForHealthEndsWithTheDeploy(t *testing.T) {
	for _, cause := range []error{ErrSuperseded, ErrInterrupted} {
		t.Run(cause.Error(), func(t *testing.T) {
			inTime(t, func(w *world) {
				w.runs(deployment("a"))
				ended := w.begins(w.work().AwaitHealthy)
				w.end(cause)
				wantCause(t, <-ended, cause)
			})
		})
	}
}

// TestFailureThatIsOlderThanTheDeploy: such a failure does not end the wait, since the
// deploy may be its fix.
func TestFailureThatIsOlderThanTheDeploy(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		want    string
	}{
		"it recovers": {func(w *world) { w.becomes(deploymentID("a"), available) }, ""},
		"it recovers, and fails anew": {
			func(w *world) {
				w.becomes(deploymentID("a"), rolling)
				synctest.Wait()
				w.becomes(deploymentID("a"), stuck)
			}, "no progress for 600 s; 0 of 1 pod updated",
		},
		"it is made anew, and fails": {
			func(w *world) {
				w.runs(deployment("slow")) // keeps the wait going while the other object is gone
				w.api.vanish(deploymentID("a"))
				w.runs(deployment("a"))
				w.becomes(deploymentID("a"), stuck)
			}, "no progress for 600 s; 0 of 1 pod updated",
		},
		"another one fails": {
			func(w *world) { w.runs(deployment("b")); w.becomes(deploymentID("b"), stuck) }, "Deployment shop/b: no progress",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.runs(deployment("a"))
				w.becomes(deploymentID("a"), stuck)
				began := time.Now()
				ended := w.begins(w.work().AwaitHealthy)
				select {
				case err := <-ended:
					t.Fatalf("the wait ends at once: %v", err)
				default:
				}
				test.happens(w)
				wantError(t, <-ended, test.want)
				if took := time.Since(began); took >= 5*time.Minute {
					t.Errorf("the wait takes %s", took)
				}
			})
		})
	}
}

// TestFailureThatAWaveDoesNotWaitFor: if no wait looks at an object, its failure still
// counts as older than the deploy.
func TestFailureThatAWaveDoesNotWaitFor(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"), deployment("b"))
		w.becomes(deploymentID("a"), stuck)
		w.becomes(deploymentID("b"), available)
		work := w.work()
		w.becomes(deploymentID("a"), rolling)
		wantError(t, work.awaitHealthy(map[manifest.ID]bool{deploymentID("b"): true}), "")
		if !work.former.failed(w.entry(deploymentID("a"))) {
			t.Error("the object counts as seen without its failure")
		}
	})
}

// TestWaveThatRecoversAndFailsAnew: a new failure after a recovery counts as the deploy's
// own.
func TestWaveThatRecoversAndFailsAnew(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"))
		w.becomes(deploymentID("a"), stuck)
		work := w.work()
		ended := w.begins(func() error { return work.awaitHealthy(map[manifest.ID]bool{deploymentID("a"): true}) })
		w.becomes(deploymentID("a"), rolling)
		synctest.Wait()
		began := time.Now()
		w.becomes(deploymentID("a"), stuck)
		wantError(t, <-ended, "no progress for 600 s")
		if took := time.Since(began); took > 0 {
			t.Errorf("the wait takes %s", took)
		}
	})
}

// TestCauseThatIsOlderThanTheDeploy: a cause that would keep any pod from starting does not
// end the wait if it is older than the deploy, unless the object has changed.
func TestCauseThatIsOlderThanTheDeploy(t *testing.T) {
	for name, test := range map[string]struct {
		generation int64
		within     time.Duration
	}{
		"not changed since": {1, 5 * time.Minute},
		"changed":           {2, LineEvery},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.runs(deployment("a"))
				w.order.Target.Objects = parsed(t, deployment("a"))
				w.edited(deploymentID("a"), func(u *unstructured.Unstructured) { u.SetGeneration(1) })
				work := w.work()
				w.edited(deploymentID("a"), func(u *unstructured.Unstructured) { u.SetGeneration(test.generation) })
				w.pods.become("shop", podOf(w, deploymentID("a"), "p", misnamed))
				began := time.Now()
				wantError(t, work.AwaitHealthy(), "InvalidImageName")
				if took := time.Since(began); took != test.within {
					t.Errorf("the wait takes %s", took)
				}
			})
		})
	}
}

// TestReasonNamesTheObjectWithACause: of several sick objects, the error names one with a
// known cause.
func TestReasonNamesTheObjectWithACause(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(deployment("a"), deployment("b"))
		w.order.Target.Objects = parsed(t, deployment("a"), deployment("b"))
		w.pods.become("shop", podOf(w, deploymentID("b"), "p", crashing))
		want := "Deployment shop/b: not seen by its controller yet (and 1 more)\nCrashLoopBackOff (container main): exit code 1, restarted 3 times"
		if err := w.work().AwaitHealthy(); err == nil || err.Error() != want {
			t.Errorf("the error is %v", err)
		}
	})
}
