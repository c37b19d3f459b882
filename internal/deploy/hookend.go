package deploy

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// complete does what comes when everything is healthy: the deletions that had
// to wait for it, and the hooks.
func (w *applying) complete() error {
	if err := w.pruneLater(); err != nil {
		return err
	}
	return w.runPhase(manifest.PostSync)
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
func (w *applying) afterDeletion(deleted []plan.Step) error {
	if len(w.plan.HooksOf(manifest.PostDelete)) > 0 {
		for _, v := range WavesOf(deleted) {
			if err := w.awaitGone(v); err != nil {
				return err
			}
		}
		if err := w.runPhase(manifest.PostDelete); err != nil {
			return err
		}
	}
	return w.deleteHooks(w.cluster.Index.Hooks(plan.SetID(w.app.name)))
}

// endHooks deletes the objects of hooks as their policies ask, and those of
// hooks that the revision does not have any more.
func (w *applying) endHooks(rec *record.Record) {
	rec.Hooks = w.hooks
	w.app.hookMemory.noteEnd(w.run.Number)
	if w.corrects || w.target.Gone {
		return
	}
	over := w.overHooks()
	if rec.Result.OK() {
		over = append(over, w.strayHooks()...)
	}
	if err := w.deleteHooks(over); err != nil {
		w.run.Printf("warning: %v; the next deploy tries again", err)
	}
}

// overHooks lists the objects of hooks that have ended and are not to outlive that.
func (w *applying) overHooks() []live.Entry {
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
func (w *applying) strayHooks() []live.Entry {
	written := map[string]bool{}
	for _, step := range w.plan.Hooks {
		written[step.ID.Key()] = true
	}
	var stray []live.Entry
	for _, entry := range w.cluster.Index.Hooks(plan.SetID(w.app.name)) {
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
			err = again(ctx, func() error { return w.remove(ctx, kind, plan.Step{ID: entry.ID, Entry: entry}) })
		}
		if err != nil && !apierrors.IsConflict(err) {
			return fmt.Errorf("delete the hook %s: %w", entry.ID, err)
		}
	}
	return nil
}
