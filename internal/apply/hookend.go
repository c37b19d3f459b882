package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// AfterFailure runs the hooks that are for a deploy that failed, once for each
// failure. What becomes of them changes nothing any more. Hooks that are still under way
// since another of their stage could not be made are not waited for.
func (w *Work) AfterFailure() {
	w.errs, w.under = nil, nil
	if err := w.runPhase(manifest.SyncFail); err != nil && w.Wait.Err() == nil {
		w.Log.Printf("  %v", err)
	}
}

// afterDeletion runs the hooks for the time when the app's objects are gone, and then
// deletes the remains of the hooks.
func (w *Work) afterDeletion(deleted []plan.Step) error {
	if len(w.Plan.HooksOf(manifest.PostDelete)) > 0 {
		for _, v := range WavesOf(deleted) {
			if err := w.awaitGone(v); err != nil {
				return err
			}
		}
		if err := w.runPhase(manifest.PostDelete); err != nil {
			return err
		}
	}
	return w.deleteHooks(w.cluster.Index.Hooks(w.App.set()))
}

// EndHooks deletes the objects of hooks as their policies ask, and those of
// hooks that the revision does not have any more.
func (w *Work) EndHooks(rec *record.Record) {
	rec.Hooks = w.hooks
	w.App.HookMemory.noteEnd(w.Number)
	if w.Corrects || w.Target.Gone {
		return
	}
	over := w.overHooks()
	if rec.Result.OK() {
		over = append(over, w.strayHooks()...)
	}
	if err := w.deleteHooks(over); err != nil {
		w.Log.Printf("warning: %v; the next deploy tries again", err)
	}
}

// overHooks lists the objects of hooks that have ended and are not to outlive that.
func (w *Work) overHooks() []live.Entry {
	var over []live.Entry
	for _, hook := range w.ended {
		after, end := hook.step.Policy.After, endOf(hook.entry)
		if end == manifest.EndSucceeded && after.Has(manifest.HookSucceeded) || end == manifest.EndFailed && after.Has(manifest.HookFailed) {
			over = append(over, hook.entry)
		}
	}
	return over
}

// strayHooks lists the objects of hooks that the revision does not have.
func (w *Work) strayHooks() []live.Entry {
	written := map[string]bool{}
	for _, step := range w.Plan.Hooks {
		written[step.ID.Key()] = true
	}
	var stray []live.Entry
	for _, entry := range w.cluster.Index.Hooks(w.App.set()) {
		if !written[entry.Hook.Key] && !entry.Terminating {
			stray = append(stray, entry)
		}
	}
	return stray
}

// deleteHooks deletes objects of hooks, but for those that the grant does not give any more.
func (w *Work) deleteHooks(entries []live.Entry) error {
	w.printing.Wait() // their pods go with them
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	for _, entry := range entries {
		if why := w.App.Within.Kept(ctx, entry.ID); why != "" {
			w.Log.Printf("  %s  (%s)", entry.ID, why)
			continue
		}
		kind, served, err := w.cluster.API.Served(ctx, entry.ID.GroupKind())
		if served {
			err = again(ctx, func() error { return w.remove(ctx, kind, plan.Step{ID: entry.ID, Entry: entry}) })
		}
		if err != nil && !apierrors.IsConflict(err) {
			return fmt.Errorf("delete the hook %s: %w", entry.ID, err)
		}
	}
	return nil
}
