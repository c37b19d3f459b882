package push

import (
	"context"
	"fmt"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// mayStore refuses a ref that the pusher may not move although it deploys nothing.
func (p *push) mayStore(ctx context.Context, update hook.RefUpdate, q git.Quarantine) manifest.Problems {
	return p.may(ctx, access.PushRepo, update, q)
}

// mayMove refuses a ref that feeds no app of its branch, and that the pusher may not move. From
// where apps are rendered all the same, as from a tag that they follow, moving it is to deploy.
func (p *push) mayMove(ctx context.Context, update hook.RefUpdate, q git.Quarantine) manifest.Problems {
	if p.door.Engine.Follows(p.repo.Name(), update.Ref) {
		return p.may(ctx, access.Deploy, update, q)
	}
	return p.mayStore(ctx, update, q)
}

// neededRight is a right that a push needs to move a ref.
type neededRight struct {
	right  access.Right
	update hook.RefUpdate
}

// may refuses a ref that the pusher may not move, or not with the files that it changes.
func (p *push) may(ctx context.Context, right access.Right, update hook.RefUpdate, q git.Quarantine) manifest.Problems {
	p.rights = append(p.rights, neededRight{right, update})
	return p.mayNow(ctx, right, update, q)
}

// mayStill asks for all rights of the push again, and for its signatures: the rules may
// have changed while the gate planned, or while the push waited for its turn.
func (p *push) mayStill(ctx context.Context, updates []hook.RefUpdate, req hook.Request) manifest.Problems {
	var problems manifest.Problems
	for _, needed := range p.rights {
		problems = append(problems, p.mayNow(ctx, needed.right, needed.update, req.Quarantine)...)
	}
	if len(problems) > 0 || p.door.Rules.Current() == p.judgedBy {
		return problems
	}
	return append(p.signedStill(ctx, updates, req.Quarantine), p.certifyStill(updates, req)...)
}

func (p *push) mayNow(ctx context.Context, right access.Right, update hook.RefUpdate, q git.Quarantine) manifest.Problems {
	caller, on := p.session.Caller(), access.Subject{Repo: p.repo.Name(), Ref: update.Ref}
	if _, branch := name.BranchOf(update.Ref); branch && p.door.Policy.AsksForPaths(caller, right, on) {
		var err error
		if on.Paths, err = p.changed(ctx, update, q); err != nil {
			return manifest.Problems{{
				Message: fmt.Sprintf("which files %s changes cannot be told: %v", update.Ref, err),
				Hint:    "push in parts, oldest first: git push origin COMMIT:" + update.Ref,
			}}
		}
	}
	decision, err := p.door.Policy.Judge(caller, right, on)
	if err != nil {
		return manifest.Problems{report.AsProblem(err)}
	}
	p.noteRule(update.Ref, decision.Rule)
	return nil
}

// changed lists the files that a branch would have other than before; of one that goes
// away, all.
func (p *push) changed(ctx context.Context, update hook.RefUpdate, q git.Quarantine) ([]string, error) {
	if update.Deletes() {
		return []string{"."}, nil
	}
	return p.repo.ChangedPaths(ctx, update.Old, update.New, q)
}
