package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// running is a hook that a deploy has begun, or found under way.
type running struct {
	step    Step
	phase   manifest.Phase
	entry   live.Entry // as last seen
	started time.Time
}

// runPhase runs the hooks of a phase, wave by wave, each to its end.
func (w *applying) runPhase(phase manifest.Phase) error {
	if !w.runsHooks {
		return nil
	}
	for _, v := range wavesOf(w.plan.hooksOf(phase)) {
		for _, stage := range v.stages {
			if err := w.startHooks(phase, stage); err != nil {
				return err
			}
		}
		if err := w.awaitHooks(); err != nil {
			return err
		}
	}
	return nil
}

// startHooks begins the hooks of one stage, in parallel.
func (w *applying) startHooks(phase manifest.Phase, stage []Step) error {
	if err := w.follow(stage); err != nil {
		return fmt.Errorf("watch the hooks' kinds: %w", err)
	}
	if err := w.letEnd(phase, stage); err != nil {
		return err
	}
	w.each(stage, func(ctx context.Context, step Step) { w.startHook(ctx, phase, step) })
	return w.failure()
}

// beforeSync runs what comes before anything is applied. The namespaces of its
// hooks are the one thing that may have to be made for them.
func (w *applying) beforeSync() error {
	if w.target.gone {
		return w.runPhase(manifest.PreDelete)
	}
	hooks := w.plan.hooksOf(manifest.PreSync)
	if !w.runsHooks || len(hooks) == 0 {
		return nil
	}
	needed := map[string]bool{}
	for _, step := range hooks {
		needed[step.ID.Namespace] = true
	}
	var namespaces []Step
	for _, step := range w.plan.Steps {
		if step.ID.GroupKind() == manifest.NamespaceKind && step.Action == Create && needed[step.ID.Name] {
			namespaces = append(namespaces, step)
		}
	}
	if err := w.applyStage(namespaces); err != nil {
		return err
	}
	for _, step := range namespaces {
		w.early = append(w.early, step.ID)
	}
	return w.runPhase(manifest.PreSync)
}

// startHook makes the object of a hook, or takes one over that a server which
// was stopped has left under way.
func (w *applying) startHook(ctx context.Context, phase manifest.Phase, step Step) {
	if w.doneBefore[phase.String()+" "+step.ID.Key()] {
		w.run.event("succeeded", step.ID, "in the attempt before")
		w.enterHook(HookResult{Key: step.ID.Key(), Phase: phase.String(), Result: live.HookSucceeded})
		return
	}
	hook := running{step: step, phase: phase, started: time.Now()}
	old := w.earlier(step)
	for _, entry := range old {
		if w.isOurs(entry, phase) {
			w.run.event("awaiting", entry.ID, phase.String()+" hook, begun before the server stopped")
			hook.entry = entry
			w.begin(hook)
			return
		}
	}
	entry, err := w.makeHook(ctx, phase, step, old)
	if err != nil {
		w.fail(step.ID, fmt.Errorf("%s hook: %w", phase, err))
		w.enterHook(HookResult{Key: step.ID.Key(), Phase: phase.String(), Result: live.HookFailed, Message: err.Error()})
		return
	}
	hook.entry = entry
	w.begin(hook)
}

func (w *applying) begin(hook running) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under = append(w.under, hook)
}

func (w *applying) enterHook(result HookResult) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hooks = append(w.hooks, result)
}

// earlier lists the objects that earlier deploys have made for the hook.
func (w *applying) earlier(step Step) []live.Entry {
	var entries []live.Entry
	for _, entry := range w.cluster.Index.Hooks(setID(w.app.name)) {
		if entry.Hook.Key == step.ID.Key() && !entry.Terminating {
			entries = append(entries, entry)
		}
	}
	return entries
}

// isOurs reports whether the object is of this very deploy, begun by a server
// that did not come to its end: of the same target, and of a deploy that
// neither the records nor this process have seen end.
func (w *applying) isOurs(entry live.Entry, phase manifest.Phase) bool {
	ended := w.app.hooksEnded
	if last := w.app.lastRecord(); last != nil {
		ended = max(ended, last.Number)
	}
	return entry.Hook.Phase == phase && entry.Hook.Run.Target == w.hookTarget() && entry.Hook.Run.Number > ended
}

// hookTarget identifies what is being deployed, in few letters.
func (w *applying) hookTarget() string {
	return w.app.engine.Masker.Seal(w.target.digest + w.target.revision)[:16]
}

// makeHook makes the object. What an earlier deploy has left is deleted before,
// unless the hook asks to be run only once.
func (w *applying) makeHook(ctx context.Context, phase manifest.Phase, step Step, old []live.Entry) (live.Entry, error) {
	once := !step.policy.After.Has(manifest.BeforeHookCreation)
	named := step.object.GetName() != ""
	if named && len(old) == 0 {
		known, err := w.foundHook(ctx, step)
		if err != nil {
			return live.Entry{}, err
		}
		old = append(old, known...)
	}
	if once && named && len(old) > 0 {
		w.run.event("present", old[0].ID, phase.String()+" hook, not run again: it is not to be deleted before")
		return old[0], nil
	}
	if !once {
		for _, entry := range old {
			if err := w.clear(ctx, step, entry); err != nil {
				return live.Entry{}, err
			}
		}
	}
	return w.createHook(phase, step)
}

// foundHook looks for an object of the hook's name that the index does not
// know, such as one that another tool has made.
func (w *applying) foundHook(ctx context.Context, step Step) ([]live.Entry, error) {
	var found *unstructured.Unstructured
	err := again(ctx, func() (err error) {
		found, err = w.cluster.Kube.Get(ctx, step.kind, step.ID.Namespace, step.ID.Name)
		return err
	})
	if apierrors.IsNotFound(err) || isNamespaceMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []live.Entry{w.cluster.Index.EntryOf(found)}, nil
}

// letEnd waits for what earlier deploys have left under way, before it is
// deleted to make room: a migration that is killed half way is worse than a
// deploy that comes later. Nothing that others need is held meanwhile.
func (w *applying) letEnd(phase manifest.Phase, stage []Step) error {
	for _, step := range stage {
		if !step.policy.After.Has(manifest.BeforeHookCreation) {
			continue
		}
		for _, entry := range w.earlier(step) {
			if entry.Hook.End != "" || w.isOurs(entry, phase) {
				continue
			}
			w.run.event("awaiting", entry.ID, "still under way from an earlier deploy")
			w.letOneEnd(entry)
			if w.wait.Err() != nil {
				return waitError(w.wait)
			}
		}
	}
	return nil
}

// clear deletes an object that an earlier deploy has made.
func (w *applying) clear(ctx context.Context, step Step, entry live.Entry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	return w.deleteAndWait(ctx, Step{ID: entry.ID, kind: step.kind, entry: entry})
}

// letOneEnd returns when a hook has ended or is gone, when its pods fail, or
// after the app's timeout.
func (w *applying) letOneEnd(entry live.Entry) {
	watch, stop := w.newHookWait()
	defer stop()
	seen := watch.app.hooks
	timeout := time.NewTimer(w.target.spec.Timeout)
	defer timeout.Stop()
	for {
		now, gone := seen.of(entry)
		if gone || now.Hook.End != "" {
			return
		}
		if watch.findPodCause(watch.ctx, now); watch.causes[now.ID].Reason != "" {
			return
		}
		select {
		case <-seen.changed:
		case <-watch.nudge:
		case <-timeout.C:
			return
		case <-w.wait.Done():
			return
		}
	}
}

// createHook makes the object of a hook under its name, or under one that is
// this deploy's.
func (w *applying) createHook(phase manifest.Phase, step Step) (live.Entry, error) {
	object := step.object.DeepCopy()
	run := live.HookRun{Target: w.hookTarget(), Number: w.run.Number}
	if object.GetName() == "" {
		sum := sha256.Sum256(fmt.Append(nil, run, phase, step.ID.Key()))
		nameHook(object, hex.EncodeToString(sum[:4]))
	}
	live.MarkHook(object, live.Hook{Key: step.ID.Key(), Phase: phase, Run: run})
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	var made *unstructured.Unstructured
	err := again(ctx, func() (err error) {
		made, err = w.cluster.Kube.Apply(ctx, step.kind, object, kube.ApplyOptions{})
		return bySchema(step, err)
	})
	if err != nil {
		return live.Entry{}, w.plainly(ctx, step, err)
	}
	w.cluster.Index.Note(made)
	entry := w.cluster.Index.EntryOf(made)
	w.run.event("started", entry.ID, phase.String()+" hook")
	return entry, nil
}

// awaitHooks returns when the hooks that were begun have succeeded, or when one
// has failed.
func (w *applying) awaitHooks() error {
	if len(w.under) == 0 {
		return nil
	}
	watch, stop := w.newHookWait()
	defer stop()
	timeout := time.NewTimer(w.target.spec.Timeout)
	defer timeout.Stop()
	lines := time.NewTicker(lookEvery)
	defer lines.Stop()
	for {
		failed := w.look(watch)
		if failed != nil || len(w.under) == 0 {
			w.under = nil
			return failed
		}
		select {
		case <-w.app.hooks.changed:
		case <-watch.nudge:
		case <-lines.C:
		case <-timeout.C:
			hook := w.under[0]
			w.under = nil
			return w.failed(watch, hook, fmt.Sprintf("not done after %s: %s", w.target.spec.Timeout, state(hook.entry.Health)))
		case <-w.wait.Done():
			w.under = nil
			return waitError(w.wait)
		}
	}
}

// look takes the hooks that have ended out of those under way, and returns the
// failure of the first that failed.
func (w *applying) look(watch *hookWait) error {
	var under []running
	for _, hook := range w.under {
		entry, gone := w.app.hooks.of(hook.entry)
		hook.entry = entry
		switch end := endOf(entry); {
		case end == live.HookSucceeded:
			w.run.event("succeeded", entry.ID, entry.Health.Message)
			w.enterHook(HookResult{Key: hook.step.ID.Key(), Phase: hook.phase.String(), Result: end, Seconds: time.Since(hook.started).Seconds()})
			w.ended = append(w.ended, hook)
			continue
		case end == live.HookFailed:
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
func endOf(entry live.Entry) live.HookEnd {
	switch {
	case entry.Hook != nil:
		return entry.Hook.End
	case entry.Health.Status == health.Failed:
		return live.HookFailed
	case entry.Health.OK():
		return live.HookSucceeded
	}
	return ""
}

// failed notes the failure of a hook, with what its pod has to say.
func (w *applying) failed(watch *hookWait, hook running, reason string) error {
	failure := hookFailure{phase: hook.phase, id: hook.entry.ID, reason: reason}
	failure.addPod(watch.ctx, w.cluster)
	first, _, _ := strings.Cut(failure.reason, "\n") // the outcome has the rest
	w.run.event("failed", hook.entry.ID, hook.phase.String()+" hook: "+first)
	w.enterHook(HookResult{
		Key: hook.step.ID.Key(), Phase: hook.phase.String(), Result: live.HookFailed,
		Message: failure.reason, Seconds: time.Since(hook.started).Seconds(),
	})
	hook.entry.Hook = &live.Hook{End: live.HookFailed}
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
	kind, err := c.Kube.KindOf(ctx, id.GroupKind())
	if err != nil {
		return nil, health.Cause{}
	}
	workload, err := c.Kube.Get(ctx, kind, id.Namespace, id.Name)
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

// afterFailure runs the hooks that are for a deploy that failed, once for each
// failure. What becomes of them changes nothing any more.
func (w *applying) afterFailure() {
	w.errs = nil
	if err := w.runPhase(manifest.SyncFail); err != nil && w.wait.Err() == nil {
		w.run.Printf("  %v", err)
	}
}

// afterDeletion runs what comes when the app's objects are gone, and then
// deletes what the hooks have left.
func (w *applying) afterDeletion(deleted []Step) error {
	if len(w.plan.hooksOf(manifest.PostDelete)) > 0 {
		for _, v := range wavesOf(deleted) {
			if err := w.awaitGone(v); err != nil {
				return err
			}
		}
		if err := w.runPhase(manifest.PostDelete); err != nil {
			return err
		}
	}
	return w.deleteHooks(w.cluster.Index.Hooks(setID(w.app.name)))
}

// endHooks deletes the objects of hooks as their policies ask, and those of
// hooks that the revision does not have any more.
func (w *applying) endHooks(record *Record) {
	record.Hooks = w.hooks
	w.app.hooksEnded = max(w.app.hooksEnded, w.run.Number)
	if !w.patient || w.target.gone {
		return
	}
	var over []live.Entry
	for _, hook := range w.ended {
		after, end := hook.step.policy.After, endOf(hook.entry)
		if end == live.HookSucceeded && after.Has(manifest.HookSucceeded) || end == live.HookFailed && after.Has(manifest.HookFailed) {
			over = append(over, hook.entry)
		}
	}
	if record.Result.OK() {
		over = append(over, w.strayHooks()...)
	}
	if err := w.deleteHooks(over); err != nil {
		w.run.Printf("warning: %v; the next deploy tries again", err)
	}
}

// strayHooks lists the objects of hooks that the revision does not have.
func (w *applying) strayHooks() []live.Entry {
	written := map[string]bool{}
	for _, step := range w.plan.Hooks {
		written[step.ID.Key()] = true
	}
	var stray []live.Entry
	for _, entry := range w.cluster.Index.Hooks(setID(w.app.name)) {
		if !written[entry.Hook.Key] && !entry.Terminating {
			stray = append(stray, entry)
		}
	}
	return stray
}

func (w *applying) deleteHooks(entries []live.Entry) error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	for _, entry := range entries {
		kind, served, err := w.cluster.Kube.Served(ctx, entry.ID.GroupKind())
		if served {
			err = again(ctx, func() error { return w.remove(ctx, kind, Step{ID: entry.ID, entry: entry}) })
		}
		if err != nil && !apierrors.IsConflict(err) {
			return fmt.Errorf("delete the hook %s: %w", entry.ID, err)
		}
	}
	return nil
}

// complete does what comes when everything is healthy: the deletions that had
// to wait for it, and the hooks.
func (a *app) complete(done *applying, record *Record) {
	err := done.pruneLater()
	record.Deleted = done.deleted
	if err != nil {
		record.Result, record.Message = Failed, err.Error()
		return
	}
	if done.target.gone {
		return
	}
	switch done.stopped = done.runPhase(manifest.PostSync); {
	case done.stopped == nil:
	case errors.Is(done.stopped, errSuperseded):
		record.Result, record.Message = Superseded, errSuperseded.Error()
	default:
		record.Result, record.Message = Unhealthy, done.stopped.Error()
	}
}

// endHooks comes last: the hooks for failures, and the deletion of what hooks
// have left. A retry that fails as the attempt before it did tells nobody again.
func (a *app) endHooks(j *job, done *applying, record *Record) {
	again := j.cause.check() && a.lastRecord() != nil && a.lastRecord().Result == Failed
	if (record.Result == Failed || record.Result == Unhealthy) && !again && !done.target.gone {
		done.afterFailure()
	}
	done.endHooks(record)
}
