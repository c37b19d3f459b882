package deploy

import (
	"context"
	"fmt"

	"github.com/pushboat/pushboat/internal/plan"
)

// guard refuses deletions that nobody has confirmed.
func (p *Proposal) guard(ctx context.Context) {
	if p.Problems = p.engine.lookAtServices(ctx, p.Plans); len(p.Problems) > 0 {
		return
	}
	problems, deletions := plan.Guard(p.Plans, p.Options.ConfirmPrune, p.Options.Undo)
	for i := range problems {
		problems[i].Hint = confirmHint(deletions, p.Options)
	}
	p.Problems, p.guarded = problems, len(problems) > 0
}

// confirmHint says how the deletions of a change are confirmed.
func confirmHint(total int, options Options) string {
	with := "push with -o "
	if options.Verb {
		with = "repeat it with --"
	}
	hint := fmt.Sprintf("if that is meant, %sconfirm-prune=%d", with, total)
	if options.ConfirmPrune >= 0 {
		hint = fmt.Sprintf("confirm-prune=%d does not match; ", options.ConfirmPrune) + hint
	}
	return hint
}
