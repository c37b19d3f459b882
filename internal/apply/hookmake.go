package apply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// makeHook makes the object. What an earlier deploy has left is deleted before,
// unless the hook asks to be run only once.
func (w *Work) makeHook(ctx context.Context, phase manifest.Phase, step plan.Step, old []live.Entry) (live.Entry, error) {
	once := !step.Policy.After.Has(manifest.BeforeHookCreation)
	named := step.Object.GetName() != ""
	if named && len(old) == 0 {
		known, err := w.foundHook(ctx, step)
		if err != nil {
			return live.Entry{}, err
		}
		old = append(old, known...)
	}
	if once && named && len(old) > 0 {
		w.Log.Event("present", old[0].ID, phase.String()+" hook, not run again: it is not to be deleted before")
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

// foundHook looks for an object of the hook's name that the index does not know, such
// as one from another tool.
func (w *Work) foundHook(ctx context.Context, step plan.Step) ([]live.Entry, error) {
	found, err := w.read(ctx, step)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []live.Entry{w.cluster.Index.EntryOf(found)}, nil
}

// clear deletes an object that an earlier deploy has made.
func (w *Work) clear(ctx context.Context, step plan.Step, entry live.Entry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	return w.deleteAndWait(ctx, plan.Step{ID: entry.ID, Kind: step.Kind, Entry: entry})
}

// createHook creates the object of a hook under its name, or under a name for this
// deploy.
func (w *Work) createHook(phase manifest.Phase, step plan.Step) (live.Entry, error) {
	object := step.Object.DeepCopy()
	run := live.HookRun{Target: w.ID, Number: w.Number}
	if object.GetName() == "" {
		sum := sha256.Sum256(fmt.Append(nil, run, phase, step.ID.Key()))
		plan.NameHook(object, hex.EncodeToString(sum[:4]))
	}
	live.MarkHook(object, live.Hook{Key: step.ID.Key(), Phase: phase, Run: run})
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	ctx, heard := kube.Listen(ctx)
	var made *unstructured.Unstructured
	err := again(ctx, func() (err error) {
		made, err = w.cluster.API.Apply(ctx, step.Kind, object, kube.ApplyOptions{})
		return bySchema(step, err)
	})
	if err != nil {
		return live.Entry{}, w.plainly(ctx, step, err)
	}
	w.cluster.Index.Note(made)
	w.hear(step, heard.About(step.Object))
	entry := w.cluster.Index.EntryOf(made)
	w.Log.Event("started", entry.ID, phase.String()+" hook")
	return entry, nil
}

// letEnd waits for hooks that earlier deploys have left running, before they are
// deleted to make room: killing a migration half way is worse than a late deploy.
// Meanwhile it holds nothing that others need.
func (w *Work) letEnd(phase manifest.Phase, stage []plan.Step) error {
	for _, step := range stage {
		if !step.Policy.After.Has(manifest.BeforeHookCreation) {
			continue
		}
		for _, entry := range w.earlier(step) {
			if entry.Hook.End != "" || w.isOurs(entry, phase) {
				continue
			}
			w.Log.Event("awaiting", entry.ID, "still under way from an earlier deploy")
			w.letOneEnd(entry)
			if w.Wait.Err() != nil {
				return WaitError(w.Wait)
			}
		}
	}
	return nil
}

// letOneEnd returns when a hook has ended or is gone, when its pods fail, or
// after the app's timeout.
func (w *Work) letOneEnd(entry live.Entry) {
	watch, stop := w.newHookWait()
	defer stop()
	seen := w.App.Hooks
	w.Log.WaitsFor(entry.ID.String()+", still under way from an earlier deploy", w.Target.Spec.Timeout)
	timeout := time.NewTimer(w.Target.Spec.Timeout)
	defer timeout.Stop()
	for {
		now, gone := seen.of(entry)
		if gone || now.Hook.End != "" {
			return
		}
		watch.findPodCause(watch.ctx, now)
		if reason := watch.causes[now.ID].Reason; reason != "" && reason != health.NotReady {
			return
		}
		select {
		case <-seen.changed:
		case <-watch.nudge:
		case <-timeout.C:
			return
		case <-w.Wait.Done():
			return
		}
	}
}
