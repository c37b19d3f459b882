package plan

import (
	"context"
	"slices"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// listenTo plans one object, and collects the warnings of the API server.
func (p *Planner) listenTo(ctx context.Context, o Placed) (Step, manifest.Problems, error) {
	ctx, heard := kube.Listen(ctx)
	step, problems, err := p.step(ctx, o)
	step.hear(p.Target, heard.About(o.Object))
	return step, problems, err
}

// hear collects warnings about the step's object. An object that does not change had
// its warnings when it was applied.
func (s *Step) hear(t *Target, told manifest.Problems) {
	if s.Action != record.Unchanged {
		s.Warned = t.Warned(s.ID, told)
	}
}

// Warned makes warnings those of an object of the app as they may be shown.
func (t *Target) Warned(id manifest.ID, told manifest.Problems) manifest.Problems {
	for i := range told {
		told[i].App, told[i].Object, told[i].Message = t.Spec.Name, id.String(), t.Shown(told[i].Message)
	}
	return told
}

// Warnings returns the warnings about everything that a plan does. A nil plan has none.
func (p *Plan) Warnings() manifest.Problems {
	if p == nil {
		return nil
	}
	var all manifest.Problems
	for _, step := range slices.Concat(p.Steps, p.Hooks) {
		if step.Action != record.Unchanged {
			all = append(all, step.Warned...)
		}
	}
	return all
}
