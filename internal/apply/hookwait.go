package apply

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// hookWait is a wait for hooks: its lines and its causes are those of every
// other wait.
type hookWait struct {
	*waiting
	ctx context.Context
}

// newHookWait begins a wait, and returns the function that ends it.
func (w *Work) newHookWait() (*hookWait, func()) {
	ctx, cancel := context.WithCancel(w.Wait)
	watch := &hookWait{ctx: ctx, waiting: w.newWaiting(nil)}
	return watch, func() {
		cancel()
		watch.close()
	}
}

// runsPods reports whether objects of the kind own pods.
func runsPods(id manifest.ID) bool {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(schema.GroupVersionKind{Group: id.Group, Version: "v1", Kind: id.Kind})
	return health.RunsPods(u)
}

// awaitHooks returns when the hooks that were begun have succeeded, or when one
// has failed.
func (w *Work) awaitHooks() error {
	if len(w.under) == 0 {
		return nil
	}
	watch, stop := w.newHookWait()
	defer stop()
	w.Log.WaitsFor("its hooks to end", w.Target.Spec.Timeout)
	defer w.Log.WaitsFor("the cluster to take its objects", 0)
	timeout := time.NewTimer(w.Target.Spec.Timeout)
	defer timeout.Stop()
	lines := time.NewTicker(lookEvery)
	defer lines.Stop()
	for {
		failed := w.look(watch)
		if failed != nil || len(w.under) == 0 {
			w.under = nil
			return failed
		}
		w.Log.StillWaitsFor(watch.why(w.hooksUnderWay()))
		select {
		case <-w.App.Hooks.changed:
		case <-watch.nudge:
		case <-lines.C:
		case <-timeout.C:
			hook := w.under[0]
			w.under = nil
			return w.failed(watch, hook, fmt.Sprintf("not done after %s: %s", w.Target.Spec.Timeout, State(hook.entry.Health)))
		case <-w.Wait.Done():
			w.under = nil
			return WaitError(w.Wait)
		}
	}
}

// hooksUnderWay are the hooks that have not ended.
func (w *Work) hooksUnderWay() []live.Entry {
	entries := make([]live.Entry, len(w.under))
	for i, hook := range w.under {
		entries[i] = hook.entry
	}
	return entries
}

// look takes the hooks that have ended out of those under way, and returns the
// failure of the first that failed.
func (w *Work) look(watch *hookWait) error {
	var under []running
	for _, hook := range w.under {
		entry, gone := w.App.Hooks.of(hook.entry)
		entry = Shown(w.Target, entry)
		hook.entry = entry
		switch end := endOf(entry); {
		case end == manifest.EndSucceeded:
			w.Log.Event("succeeded", entry.ID, entry.Health.Message)
			w.enterHook(record.HookResult{Key: hook.step.ID.Key(), Phase: hook.phase.String(), Result: end, Seconds: time.Since(hook.started).Seconds()})
			w.ended = append(w.ended, hook)
			w.keepPrinted(hook)
			continue
		case end == manifest.EndFailed:
			return w.failed(watch, hook, State(entry.Health))
		case gone:
			return w.failed(watch, hook, "it was deleted while it was under way")
		}
		watch.say(entry)
		watch.findPodCause(watch.ctx, entry)
		if cause := watch.causes[entry.ID]; cause.Incurable {
			return w.failed(watch, hook, cause.String())
		}
		under = append(under, hook)
	}
	w.under = under
	return nil
}

// endOf is how a hook's object ended. One that was not made as a hook, by this
// server at least, is judged by its health.
func endOf(entry live.Entry) manifest.HookEnd {
	switch {
	case entry.Hook != nil:
		return entry.Hook.End
	case entry.Health.Status == health.Failed:
		return manifest.EndFailed
	case entry.Health.OK():
		return manifest.EndSucceeded
	}
	return ""
}

// failed notes the failure of a hook, with its pod's output.
func (w *Work) failed(watch *hookWait, hook running, reason string) error {
	failure := HookError{phase: hook.phase, id: hook.entry.ID, reason: reason}
	failure.addPod(watch.ctx, w.cluster)
	failure.clear(w.Target)
	first, _, _ := strings.Cut(failure.reason, "\n") // the outcome has the rest
	w.Log.Event("failed", hook.entry.ID, hook.phase.String()+" hook: "+first)
	w.enterHook(record.HookResult{
		Key: hook.step.ID.Key(), Phase: hook.phase.String(), Result: manifest.EndFailed,
		Message: failure.reason, Seconds: time.Since(hook.started).Seconds(),
	})
	hook.entry.Hook = &live.Hook{End: manifest.EndFailed}
	w.ended = append(w.ended, hook)
	return failure
}

const (
	// logLines is how many lines of a failed hook's log are shown.
	logLines = 20
	// podTimeout bounds the questions about the pod of a failed hook.
	podTimeout = 10 * time.Second
)

// addPod adds why the newest pod of a failed hook failed, and its last lines.
func (f *HookError) addPod(ctx context.Context, cluster *Cluster) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), podTimeout)
	defer cancel()
	pod, cause := cluster.failedPod(ctx, f.id)
	if pod == nil {
		return
	}
	if text := cause.String(); text != f.reason {
		f.reason += "\n" + text
	}
	if lines, err := cluster.API.Logs(ctx, pod.GetNamespace(), pod.GetName(), cause.Container, logLines); err == nil {
		f.log = lines // a kubelet that does not answer takes nothing from the reason
	}
}
