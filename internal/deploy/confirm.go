package deploy

import (
	"context"
	"fmt"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// guard refuses deletions that nobody has confirmed.
func (p *Proposal) guard(ctx context.Context) {
	if p.Problems = p.engine.markExposed(ctx, p.Plans); len(p.Problems) > 0 {
		return
	}
	problems, deletions := plan.Guard(p.Plans, p.Options.ConfirmPrune, p.Options.Undo)
	for i := range problems {
		confirmable(&problems[i], p.Options.ConfirmPrune, deletions)
	}
	p.Problems, p.guarded = problems, len(problems) > 0
}

// confirmable lets a problem be overcome by confirming the change's number of deletions.
// confirmed is the number that was given; -1: none.
func confirmable(problem *manifest.Problem, confirmed, deletions int) {
	problem.Remedy = manifest.Remedy{Kind: manifest.RemedyConfirmPrune, Deletions: deletions}
	if confirmed >= 0 {
		problem.Hint = fmt.Sprintf("confirm-prune=%d does not match", confirmed)
	}
}
