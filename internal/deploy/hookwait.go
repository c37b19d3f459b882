package deploy

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
func (w *applying) newHookWait() (*hookWait, func()) {
	ctx, cancel := context.WithCancel(w.wait)
	watch := &hookWait{ctx: ctx, waiting: newWaiting(w.app, w.target, w.run, nil)}
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
func (w *applying) awaitHooks() error {
	if len(w.under) == 0 {
		return nil
	}
	watch, stop := w.newHookWait()
	defer stop()
	w.run.waitsFor("its hooks to end", w.target.Spec.Timeout)
	defer w.run.waitsFor("the cluster to take its objects", 0)
	timeout := time.NewTimer(w.target.Spec.Timeout)
	defer timeout.Stop()
	lines := time.NewTicker(lookEvery)
	defer lines.Stop()
	for {
		failed := w.look(watch)
		if failed != nil || len(w.under) == 0 {
			w.under = nil
			return failed
		}
		w.run.stillWaitsFor(watch.why(w.hooksUnderWay()))
		select {
		case <-w.app.hooks.changed:
		case <-watch.nudge:
		case <-lines.C:
		case <-timeout.C:
			hook := w.under[0]
			w.under = nil
			return w.failed(watch, hook, fmt.Sprintf("not done after %s: %s", w.target.Spec.Timeout, state(hook.entry.Health)))
		case <-w.wait.Done():
			w.under = nil
			return waitError(w.wait)
		}
	}
}

// hooksUnderWay are the hooks that have not ended.
func (w *applying) hooksUnderWay() []live.Entry {
	entries := make([]live.Entry, len(w.under))
	for i, hook := range w.under {
		entries[i] = hook.entry
	}
	return entries
}

// look takes the hooks that have ended out of those under way, and returns the
// failure of the first that failed.
func (w *applying) look(watch *hookWait) error {
	var under []running
	for _, hook := range w.under {
		entry, gone := w.app.hooks.of(hook.entry)
		entry = w.target.shownEntry(entry)
		hook.entry = entry
		switch end := endOf(entry); {
		case end == manifest.EndSucceeded:
			w.run.event("succeeded", entry.ID, entry.Health.Message)
			w.enterHook(record.HookResult{Key: hook.step.ID.Key(), Phase: hook.phase.String(), Result: end, Seconds: time.Since(hook.started).Seconds()})
			w.ended = append(w.ended, hook)
			continue
		case end == manifest.EndFailed:
			return w.failed(watch, hook, state(entry.Health))
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

// failed notes the failure of a hook, with what its pod has to say.
func (w *applying) failed(watch *hookWait, hook running, reason string) error {
	failure := hookFailure{phase: hook.phase, id: hook.entry.ID, reason: reason}
	failure.addPod(watch.ctx, w.cluster)
	w.target.clear(&failure)
	first, _, _ := strings.Cut(failure.reason, "\n") // the outcome has the rest
	w.run.event("failed", hook.entry.ID, hook.phase.String()+" hook: "+first)
	w.enterHook(record.HookResult{
		Key: hook.step.ID.Key(), Phase: hook.phase.String(), Result: manifest.EndFailed,
		Message: failure.reason, Seconds: time.Since(hook.started).Seconds(),
	})
	hook.entry.Hook = &live.Hook{End: manifest.EndFailed}
	w.ended = append(w.ended, hook)
	return failure
}

// logLines is how many lines of a failed hook's log are shown.
const logLines = 20

// addPod adds why the newest pod of a failed hook failed, and its last lines.
func (f *hookFailure) addPod(ctx context.Context, cluster *Cluster) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), explainTimeout)
	defer cancel()
	pod, cause := cluster.failedPod(ctx, f.id)
	if pod == nil {
		return
	}
	if text := cause.String(); text != f.reason {
		f.reason += "\n" + text
	}
	if lines, err := cluster.Kube.Logs(ctx, pod.GetNamespace(), pod.GetName(), cause.Container, logLines); err == nil {
		f.log = lines // a kubelet that does not answer takes nothing from the reason
	}
}

// failedPod finds the newest pod of an object that has something to say.
func (c *Cluster) failedPod(ctx context.Context, id manifest.ID) (*unstructured.Unstructured, health.Cause) {
	workload, err := c.get(ctx, id)
	if err != nil || !health.RunsPods(workload) {
		return nil, health.Cause{}
	}
	pods, err := live.ListPods(ctx, c.Kube, id.Namespace)
	if err != nil {
		return nil, health.Cause{}
	}
	var newest *unstructured.Unstructured
	var why health.Cause
	for _, pod := range pods {
		cause, ok := health.PodCause(pod)
		if !ok || !health.Selects(workload, pod) {
			continue
		}
		if at := pod.GetCreationTimestamp(); newest == nil || newest.GetCreationTimestamp().Time.Before(at.Time) {
			newest, why = pod, cause
		}
	}
	return newest, why
}
