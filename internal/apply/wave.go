package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// Wave is the set of steps that may be applied before a wait: those of one sync wave,
// in their stages.
type Wave struct {
	number int32
	stages [][]plan.Step
}

// WavesOf groups steps that are sorted, forwards or backwards.
func WavesOf(steps []plan.Step) []Wave {
	var (
		waves []Wave
		last  plan.Position
	)
	for _, step := range steps {
		at := step.Position()
		if len(waves) == 0 || at.Wave != last.Wave {
			waves = append(waves, Wave{number: at.Wave})
		}
		w := &waves[len(waves)-1]
		if len(w.stages) == 0 || at.Stage != last.Stage {
			w.stages = append(w.stages, nil)
		}
		w.stages[len(w.stages)-1] = append(w.stages[len(w.stages)-1], step)
		last = at
	}
	return waves
}

// applyOrStart applies the objects of a stage, or begins the hooks of one that
// has hooks.
func (w *Work) applyOrStart(stage []plan.Step) error {
	if stage[0].Action == record.Hook {
		return w.startHooks(manifest.Sync, stage)
	}
	return w.applyStage(stage)
}

// withHooks adds the hooks that run with the objects of their waves.
func (w *Work) withHooks(steps []plan.Step) []plan.Step {
	hooks := w.Plan.HooksOf(manifest.Sync)
	if !w.runsHooks() || len(hooks) == 0 {
		return steps
	}
	all := append(slices.Clone(steps), hooks...)
	plan.SortSteps(all)
	return all
}

// ids are the objects of the wave.
func (v Wave) ids() map[manifest.ID]bool {
	ids := map[manifest.ID]bool{}
	for _, stage := range v.stages {
		for _, step := range stage {
			ids[step.ID] = true
		}
	}
	return ids
}

// applyWaves applies the plan wave by wave. The next wave begins when all of the one
// before is healthy; the wait for the last one comes when the plan is carried out. A
// correction keeps the order, and waits for nothing: it reverts drift in a later wave
// even if an earlier one is unhealthy.
func (w *Work) applyWaves() error {
	waves := WavesOf(w.withHooks(w.Plan.Steps))
	for i, v := range waves {
		for _, stage := range v.stages {
			if err := w.applyOrStart(stage); err != nil {
				return err
			}
		}
		if err := w.awaitHooks(); err != nil {
			return err
		}
		if i == len(waves)-1 || w.Corrects {
			continue
		}
		if err := w.awaitWave(v); err != nil {
			return err
		}
	}
	return nil
}

// awaitWave returns when the objects of a wave are healthy. A wave that does
// not get there in the app's timeout stops the deploy.
func (w *Work) awaitWave(v Wave) error {
	err := w.awaitHealthy(v.ids())
	sick, ok := errors.AsType[UnhealthyError](err)
	if !ok {
		return err
	}
	if CancelledBy(w.Wait) != "" {
		return fmt.Errorf("the waves after wave %d are not applied: %s", v.number, sick.Reason)
	}
	return fmt.Errorf("wave %d is not healthy, and the waves after it are not applied:\n%s", v.number, sick.Reason)
}

// pruneWaves deletes the objects that the revision no longer has, last wave first. A
// wave is gone before the one before it is touched.
func (w *Work) pruneWaves(steps []plan.Step) error {
	waves := WavesOf(steps)
	for i, v := range waves {
		for _, stage := range v.stages {
			w.each(stage, w.delete)
			if err := w.failure(); err != nil {
				return err
			}
		}
		if i == len(waves)-1 {
			continue
		}
		if err := w.awaitGone(v); err != nil {
			return err
		}
	}
	return nil
}

// awaitGone returns when the index has no object of the wave any more.
func (w *Work) awaitGone(v Wave) error {
	changed, done := w.cluster.Index.Changed(w.App.set())
	defer done()
	ctx, cancel := context.WithTimeout(w.Wait, w.Target.Spec.Timeout)
	defer cancel()
	w.Log.WaitsFor("its objects to be gone", w.Target.Spec.Timeout)
	for {
		left := w.remaining(v)
		if left == nil {
			return nil
		}
		w.Log.StillWaitsFor(left.ID.String() + " to be gone")
		select {
		case <-changed:
		case <-ctx.Done():
			if w.Wait.Err() != nil {
				return WaitError(w.Wait)
			}
			return fmt.Errorf("%s is not gone after %s, and the waves before it are not pruned; a finalizer may hold it",
				left.ID, w.Target.Spec.Timeout)
		}
	}
}

// remaining returns a step of the wave whose object still exists.
func (w *Work) remaining(v Wave) *plan.Step {
	for _, stage := range v.stages {
		for i, step := range stage {
			if entry, ok := w.cluster.Index.Get(step.ID); ok && entry.UID == step.Entry.UID {
				return &stage[i]
			}
		}
	}
	return nil
}
