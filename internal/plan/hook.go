package plan

import (
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// hooksOf lists the hooks of a phase, in the order of their waves.
func (p *Plan) HooksOf(phase manifest.Phase) []Step {
	var steps []Step
	for _, step := range p.Hooks {
		if step.Policy.RunsIn(phase, p.First) {
			steps = append(steps, step)
		}
	}
	SortSteps(steps)
	return steps
}

// shownHooks lists the hooks that the plan may run, each once.
func (p *Plan) ShownHooks() []Step {
	if !p.RunsHooks {
		return nil
	}
	phases := []manifest.Phase{manifest.PreSync, manifest.Sync, manifest.PostSync, manifest.SyncFail}
	if p.Gone {
		phases = []manifest.Phase{manifest.PreDelete, manifest.PostDelete}
	}
	var steps []Step
	shown := map[manifest.ID]bool{}
	for _, phase := range phases {
		for _, step := range p.HooksOf(phase) {
			if !shown[step.ID] {
				shown[step.ID] = true
				steps = append(steps, step)
			}
		}
	}
	return steps
}

// splitHooks takes the hooks out of the steps, whose place the others take.
func splitHooks(steps []Step) (objects, hooks []Step) {
	objects = steps[:0]
	for _, step := range steps {
		if step.Action == record.Hook {
			hooks = append(hooks, step)
			continue
		}
		objects = append(objects, step)
	}
	return objects, hooks
}

// withoutSkipped leaves out what is never applied, and hooks that no deploy has.
func withoutSkipped(objects []Placed) []Placed {
	return slices.DeleteFunc(slices.Clone(objects), func(o Placed) bool {
		return o.Policy.Phase != 0 && !o.Policy.Phase.Runs()
	})
}
