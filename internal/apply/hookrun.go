package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// running is a hook that a deploy has begun, or found under way.
type running struct {
	step    plan.Step
	phase   manifest.Phase
	entry   live.Entry // as last seen
	started time.Time
}

// runPhase runs the hooks of a phase, wave by wave, each to its end.
func (w *Work) runPhase(phase manifest.Phase) error {
	if !w.runsHooks() {
		return nil
	}
	for _, v := range WavesOf(w.Plan.HooksOf(phase)) {
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
func (w *Work) startHooks(phase manifest.Phase, stage []plan.Step) error {
	if err := w.follow(stage); err != nil {
		return fmt.Errorf("watch the hooks' kinds: %w", err)
	}
	if err := w.letEnd(phase, stage); err != nil {
		return err
	}
	w.each(stage, func(ctx context.Context, step plan.Step) { w.startHook(ctx, phase, step) })
	return w.failure()
}

// beforeSync runs the hooks for the time before anything is applied. Only their
// namespaces may have to be created first.
func (w *Work) beforeSync() error {
	if w.Target.Gone {
		return w.runPhase(manifest.PreDelete)
	}
	hooks := w.Plan.HooksOf(manifest.PreSync)
	if !w.runsHooks() || len(hooks) == 0 {
		return nil
	}
	needed := map[string]bool{}
	for _, step := range hooks {
		needed[step.ID.Namespace] = true
	}
	var namespaces []plan.Step
	for _, step := range w.Plan.Steps {
		if step.ID.GroupKind() == manifest.NamespaceKind && step.Action == record.Create && needed[step.ID.Name] {
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
func (w *Work) startHook(ctx context.Context, phase manifest.Phase, step plan.Step) {
	if w.DoneBefore[HookKey(phase.String(), step.ID.Key())] {
		w.Log.Event("succeeded", step.ID, "in the attempt before")
		w.enterHook(record.HookResult{Key: step.ID.Key(), Phase: phase.String(), Result: manifest.EndSucceeded})
		return
	}
	hook := running{step: step, phase: phase, started: time.Now()}
	old := w.earlier(step)
	for _, entry := range old {
		if w.isOurs(entry, phase) {
			w.Log.Event("awaiting", entry.ID, phase.String()+" hook, begun before the server stopped")
			hook.entry = entry
			w.begin(hook)
			return
		}
	}
	entry, err := w.makeHook(ctx, phase, step, old)
	if err != nil {
		w.fail(step.ID, fmt.Errorf("%s hook: %w", phase, err))
		end := manifest.EndFailed
		if kube.IsTransient(err) {
			end = manifest.EndUnbegun
		}
		w.enterHook(record.HookResult{Key: step.ID.Key(), Phase: phase.String(), Result: end, Message: err.Error()})
		return
	}
	hook.entry = entry
	w.begin(hook)
}

func (w *Work) begin(hook running) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under = append(w.under, hook)
}

func (w *Work) enterHook(result record.HookResult) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hooks = append(w.hooks, result)
}

// earlier lists the objects that earlier deploys have made for the hook.
func (w *Work) earlier(step plan.Step) []live.Entry {
	var entries []live.Entry
	for _, entry := range w.cluster.Index.Hooks(w.App.set()) {
		if entry.Hook.Key == step.ID.Key() && !entry.Terminating {
			entries = append(entries, entry)
		}
	}
	return entries
}

// isOurs reports whether the object belongs to this very deploy, begun by a server that
// did not finish it. It must be of the same target, and of a deploy whose end neither
// the records nor this process have seen; or of a deploy that did not learn whether the
// object was created.
func (w *Work) isOurs(entry live.Entry, phase manifest.Phase) bool {
	ended := w.App.HookMemory.lastEnded()
	if last := w.Last; last != nil {
		ended = max(ended, last.Number)
		if last.LeftUnbegun(entry.Hook.Key, phase) {
			ended = last.Number - 1
		}
	}
	return entry.Hook.Phase == phase && entry.Hook.Run.Target == w.ID && entry.Hook.Run.Number > ended
}
