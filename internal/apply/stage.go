package apply

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// applyStage applies the objects of a stage in parallel, and returns when everything
// that the next stage builds on is ready.
func (w *Work) applyStage(stage []plan.Step) error {
	if err := w.follow(stage); err != nil {
		return fmt.Errorf("watch the app's kinds: %w", err)
	}
	steps := slices.DeleteFunc(w.withoutKept(stage), func(step plan.Step) bool { return slices.Contains(w.early, step.ID) })
	ready, dying := splitDying(steps)
	w.each(ready, w.applyStep)
	w.each(w.awaitPlaces(dying), w.applyStep)
	if err := w.failure(); err != nil {
		return err
	}
	return w.awaitDefinitions(stage)
}

// withoutKept counts the steps that do nothing, and returns the others.
func (w *Work) withoutKept(stage []plan.Step) []plan.Step {
	var rest []plan.Step
	for i := range stage {
		if step := &stage[i]; step.Action != record.Unchanged {
			rest = append(rest, *step)
			continue
		}
		w.same++
	}
	return rest
}

// each runs f for the steps, in parallel, with a slot of the cluster for each.
func (w *Work) each(steps []plan.Step, f func(context.Context, plan.Step)) {
	inParallel(steps, func(step plan.Step) {
		defer w.cluster.slot()()
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		defer cancel()
		f(ctx, step)
	})
}

// inParallel runs f for the steps, plan.Parallel at a time.
func inParallel(steps []plan.Step, f func(plan.Step)) {
	slots := make(chan struct{}, plan.Parallel)
	var group sync.WaitGroup
	for _, step := range steps {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			f(step)
		})
	}
	group.Wait()
}

// follow has the index cover the kinds of a stage, so that their health is
// known as soon as they are applied.
func (w *Work) follow(stage []plan.Step) error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	kinds := map[schema.GroupKind]plan.Step{}
	for _, step := range stage {
		kinds[step.ID.GroupKind()] = step
	}
	for _, step := range kinds {
		// The definition may come with another app of the push, at this moment.
		err := again(ctx, func() error { return bySchema(step, w.cluster.Index.Follow(ctx, step.Kind)) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *Work) applyStep(ctx context.Context, step plan.Step) {
	if step.Action == record.Recreate {
		if err := w.deleteAndWait(ctx, step); err != nil {
			w.fail(step.ID, err)
			return
		}
	}
	ctx, heard := kube.Listen(ctx)
	var applied *unstructured.Unstructured
	err := again(ctx, func() (err error) {
		if err = w.replace(ctx, step); err != nil {
			return err
		}
		if err = w.claimFirst(ctx, step); err != nil {
			return err
		}
		applied, err = w.cluster.API.Apply(ctx, step.Kind, step.Object.Unstructured, kube.ApplyOptions{})
		if err == nil {
			applied, err = w.takeFromTools(ctx, step, applied)
		}
		if err == nil && step.TakesOver() {
			applied, err = w.cluster.API.Succeed(ctx, step.Kind, applied)
		}
		if err == nil {
			applied, err = w.takeFromHands(ctx, step, applied)
		}
		return bySchema(step, err)
	})
	if err != nil {
		w.fail(step.ID, w.plainly(ctx, step, err))
		return
	}
	w.cluster.Index.Note(applied) // first: late events about a former object of that name then do not count
	entry := w.cluster.Index.EntryOf(applied)
	w.App.Ledger.Note(step.ID, record.Noted{Digest: step.Digest, Fingerprint: entry.Fingerprint, Ended: entry.Ended})
	if now, ok := w.cluster.Index.Get(step.ID); ok && now.UID == entry.UID && now.Ended != "" {
		w.App.Ledger.NoteEnd(step.ID, now.Ended)
	}
	w.enter(step)
	w.hear(step, heard.About(step.Object))
	w.Log.Event(string(step.Action), step.ID, step.Note)
}

// awaitDefinitions waits until the custom resource definitions of a stage are
// served, and has discovery find their kinds.
func (w *Work) awaitDefinitions(stage []plan.Step) error {
	if len(stage) == 0 || stage[0].ID.GroupKind() != manifest.DefinitionKind {
		return nil
	}
	changed, done := w.cluster.Index.Changed(w.App.set())
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	for {
		late := w.notHealthy(stage)
		if late == nil {
			w.cluster.API.Invalidate()
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s is not established after %s", late.ID, requestTimeout)
		}
	}
}

func (w *Work) notHealthy(steps []plan.Step) *plan.Step {
	for i, step := range steps {
		entry, ok := w.cluster.Index.Get(step.ID)
		if !ok || !entry.Health.OK() {
			return &steps[i]
		}
	}
	return nil
}
