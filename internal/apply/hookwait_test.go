package apply

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// migrates starts the deploy's hook "migrate", a Job that is under way.
func (w *world) migrates() (work *Work, ended <-chan error) {
	w.t.Helper()
	w.api.status["Job"] = underWay
	w.plans(w.step(job("migrate", hookOf("PreSync"))))
	work = w.work()
	return work, w.begins(func() error { return work.runPhase(manifest.PreSync) })
}

func TestHookSucceeds(t *testing.T) {
	inTime(t, func(w *world) {
		work, ended := w.migrates()
		<-time.After(3 * time.Second)
		w.becomes(jobID("migrate"), complete)
		wantError(t, <-ended, "")
		w.wantLog(
			"started Job shop/migrate PreSync hook",
			"waiting Job shop/migrate 0 of 1 completed",
			"succeeded Job shop/migrate 1 of 1 completed",
		)
		hooks := work.Hooks()
		if len(hooks) != 1 || hooks[0].Result != manifest.EndSucceeded || hooks[0].Seconds != 3 || hooks[0].Phase != "PreSync" || hooks[0].Key != jobID("migrate").Key() {
			t.Errorf("the hooks are %+v", hooks)
		}
		if want := []string{"its hooks to end", "Job shop/migrate: 0 of 1 completed"}; !slices.Equal(w.log.waits[:2], want) {
			t.Errorf("the deploy waits for %q", w.log.waits)
		}
		if last := w.log.waits[len(w.log.waits)-1]; last != "the cluster to take its objects" {
			t.Errorf("in the end, the deploy waits for %q", last)
		}
	})
}

func TestHooksHideWhatTheAppHides(t *testing.T) {
	inTime(t, func(w *world) {
		w.hides("completed")
		_, ended := w.migrates()
		passTime(2 * LineEvery)
		w.becomes(jobID("migrate"), complete)
		wantError(t, <-ended, "")
		w.wantLog("started Job shop/migrate PreSync hook", "waiting Job shop/migrate 0 of 1 ***", "succeeded Job shop/migrate 1 of 1 ***")
		if told := strings.Join(w.log.waits, "\n"); strings.Contains(told, "completed") {
			t.Errorf("the deploy waits for %s", told)
		}
	})
}

// TestHookDoesNotSucceed tries each way in which a hook can fail.
func TestHookDoesNotSucceed(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		want    string
	}{
		"it fails":      {func(w *world) { w.becomes(jobID("migrate"), exhausted) }, "BackoffLimitExceeded"},
		"it is deleted": {func(w *world) { w.api.vanish(jobID("migrate")) }, "it was deleted while it was under way"},
		"its image has no valid name": {
			func(w *world) { w.pods.become("shop", podOf(w, jobID("migrate"), "p", misnamed)) },
			"InvalidImageName (container main): cannot parse X",
		},
		"it takes too long": {func(*world) {}, "not done after 5m0s: 0 of 1 completed"},
		"it takes too long, and its pods tell why": {
			func(w *world) { w.pods.become("shop", podOf(w, jobID("migrate"), "p", pulling)) },
			"not done after 5m0s: 0 of 1 completed\nImagePullBackOff (container main): x:1: not found",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				work, ended := w.migrates()
				test.happens(w)
				err := <-ended
				if want := "PreSync hook Job shop/migrate failed: " + test.want; err == nil || err.Error() != want {
					t.Errorf("the error is %v, want %s", err, want)
				}
				if _, ok := errors.AsType[HookError](err); !ok {
					t.Errorf("the error is a %T", err)
				}
				if hooks := work.Hooks(); len(hooks) != 1 || hooks[0].Result != manifest.EndFailed || hooks[0].Message != test.want {
					t.Errorf("the hooks are %+v", hooks)
				}
				first, _, _ := strings.Cut(test.want, "\n")
				if lines := w.log.String(); !strings.HasSuffix(lines, "\nfailed Job shop/migrate PreSync hook: "+first) {
					t.Errorf("the log is\n%s", lines)
				}
				if len(work.under) != 0 || len(work.ended) != 1 {
					t.Errorf("%d hooks are under way, %d have ended", len(work.under), len(work.ended))
				}
			})
		})
	}
}

func TestHookThatGoesAfterItsEndHasSucceeded(t *testing.T) {
	inTime(t, func(w *world) {
		_, ended := w.migrates()
		w.becomes(jobID("migrate"), complete)
		w.api.vanish(jobID("migrate"))
		wantError(t, <-ended, "")
	})
}

func TestWaitForHooksEndsWithTheDeploy(t *testing.T) {
	for _, cause := range []error{ErrSuperseded, ErrInterrupted, CancelledError{"alice"}} {
		t.Run(cause.Error(), func(t *testing.T) {
			inTime(t, func(w *world) {
				work, ended := w.migrates()
				w.end(cause)
				wantCause(t, <-ended, cause)
				if len(work.under) != 0 || len(work.Hooks()) != 0 {
					t.Errorf("%d hooks are under way, %d have ended", len(work.under), len(work.Hooks()))
				}
			})
		})
	}
}

// TestFirstHookThatFailsEndsTheOthersWait: a deploy with a failed hook cannot succeed, so
// it does not wait for the other hooks.
func TestFirstHookThatFailsEndsTheOthersWait(t *testing.T) {
	inTime(t, func(w *world) {
		w.api.status["Job"] = underWay
		w.plans(w.steps(job("a", hookOf("PreSync")), job("b", hookOf("PreSync")), job("c", hookOf("PreSync")))...)
		work := w.work()
		ended := w.begins(func() error { return work.runPhase(manifest.PreSync) })
		w.becomes(jobID("a"), complete)
		synctest.Wait()
		w.becomes(jobID("c"), exhausted)
		wantError(t, <-ended, "PreSync hook Job shop/c failed")
		if hooks := work.Hooks(); len(hooks) != 2 || hooks[0].Key != jobID("a").Key() {
			t.Errorf("the hooks are %+v", hooks)
		}
	})
}

// TestFailedHookTellsWhatItsPodSaid: the error ends with the last lines of the pod's log,
// without hidden values.
func TestFailedHookTellsWhatItsPodSaid(t *testing.T) {
	inTime(t, func(w *world) {
		w.hides("s3cret")
		work, ended := w.migrates()
		w.pods.pods["shop"] = append(w.pods.pods["shop"], podOf(w, jobID("migrate"), "p1", endedPod),
			podOf(w, jobID("migrate"), "p2", strings.Replace(endedPod, "exitCode: 2", "exitCode: 2, message: not s3cret", 1)))
		for i := range logLines + 5 {
			w.api.logs["shop/p2/main"] = append(w.api.logs["shop/p2/main"], fmt.Sprint("line ", i))
		}
		w.api.logs["shop/p2/main"] = append(w.api.logs["shop/p2/main"], "the password is s3cret")
		w.becomes(jobID("migrate"), "{startTime: x, conditions: [{type: Failed, status: 'True', reason: s3cret}]}")
		text := (<-ended).Error()
		want := "PreSync hook Job shop/migrate failed: ***\nError (container main): exit code 2: not ***\nits last lines:\n  line 6\n"
		if !strings.HasPrefix(text, want) || !strings.HasSuffix(text, "\n  the password is ***") {
			t.Errorf("the error is\n%s", text)
		}
		if strings.Contains(w.log.String()+work.Hooks()[0].Message+strings.Join(w.log.waits, " "), "s3cret") {
			t.Errorf("the secret is shown: %s, %s", w.log, work.Hooks()[0].Message)
		}
	})
}

// TestPodOfAFailedHookThatCannotBeAsked: if the pod cannot be read, the error still has the
// hook's reason.
func TestPodOfAFailedHookThatCannotBeAsked(t *testing.T) {
	pod := "\nError (container main): exit code 2"
	for name, test := range map[string]struct {
		happens func(w *world)
		want    string
	}{
		"no log":             {func(w *world) { w.api.refuse("log shop/p/main", kubetest.Down) }, pod},
		"an empty log":       {func(*world) {}, pod},
		"no pods":            {func(w *world) { w.pods.pods = nil }, ""},
		"pods unread":        {func(w *world) { w.pods.err = kubetest.Down }, ""},
		"no Job":             {func(w *world) { w.api.refuse("get Job shop/migrate", kubetest.Down) }, ""},
		"a pod of another":   {func(w *world) { w.pods.pods["shop"][0].SetOwnerReferences(nil) }, ""},
		"a pod that is well": {func(w *world) { give(w.pods.pods["shop"][0], ready) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.ran(job("migrate", hookOf("PreSync")), manifest.PreSync, former, exhausted)
			w.pods.pods["shop"] = append(w.pods.pods["shop"], podOf(w, jobID("migrate"), "p", endedPod))
			test.happens(w)
			failure := HookError{phase: manifest.PreSync, id: jobID("migrate"), reason: "BackoffLimitExceeded"}
			failure.addPod(t.Context(), w.app.Cluster)
			if got, want := failure.Error(), "PreSync hook Job shop/migrate failed: BackoffLimitExceeded"+test.want; got != want {
				t.Errorf("the error is %q, want %q", got, want)
			}
		})
	}
}

func TestReasonOfAFailedHookIsToldOnce(t *testing.T) {
	w := newWorld(t)
	w.ran(job("migrate", hookOf("PreSync")), manifest.PreSync, former, exhausted)
	w.pods.pods["shop"] = append(w.pods.pods["shop"], podOf(w, jobID("migrate"), "p", endedPod))
	failure := HookError{phase: manifest.PreSync, id: jobID("migrate"), reason: "Error (container main): exit code 2"}
	failure.addPod(t.Context(), w.app.Cluster)
	if got := failure.Error(); strings.Count(got, "exit code 2") != 1 {
		t.Errorf("the error is %q", got)
	}
}

func TestPodsAreAskedThoughTheDeployHasEnded(t *testing.T) {
	inTime(t, func(w *world) {
		w.ran(job("migrate", hookOf("PreSync")), manifest.PreSync, former, exhausted)
		w.pods.pods["shop"] = append(w.pods.pods["shop"], podOf(w, jobID("migrate"), "p", endedPod))
		w.api.logs["shop/p/main"] = []string{"bye"}
		w.end(ErrSuperseded)
		failure := HookError{id: jobID("migrate")}
		failure.addPod(w.order.Wait, w.app.Cluster)
		if !slices.Equal(failure.log, []string{"bye"}) {
			t.Errorf("the failure's log is %q", failure.log)
		}
	})
}

// TestEndOfAHooksObject: an object that was not made as a hook is judged by its health.
func TestEndOfAHooksObject(t *testing.T) {
	of := func(status health.Status, hook *live.Hook) live.Entry {
		return live.Entry{Health: health.Health{Status: status}, Hook: hook}
	}
	for name, test := range map[string]struct {
		entry live.Entry
		want  manifest.HookEnd
	}{
		"a hook under way":    {of(health.Healthy, &live.Hook{}), ""},
		"a hook that failed":  {of(health.Healthy, &live.Hook{End: manifest.EndFailed}), manifest.EndFailed},
		"another, under way":  {of(health.Progressing, nil), ""},
		"another that failed": {of(health.Failed, nil), manifest.EndFailed},
		"another, healthy":    {of(health.Healthy, nil), manifest.EndSucceeded},
	} {
		if got := endOf(test.entry); got != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestKindsThatRunPods(t *testing.T) {
	for id, want := range map[manifest.ID]bool{
		jobID("a"): true, deploymentID("a"): true, {Kind: "Pod"}: true, configMap("a"): false, {Group: "example.org", Kind: "Job"}: false,
	} {
		if got := runsPods(id); got != want {
			t.Errorf("%v: %v", id, got)
		}
	}
}

func TestNoHooksAreNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	wantError(t, w.work().awaitHooks(), "")
	if len(w.log.waits) > 0 {
		t.Errorf("the deploy waits for %q", w.log.waits)
	}
}
