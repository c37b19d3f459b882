package push

import (
	"context"
	"fmt"
	"io"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// rulesPlan is what a push to the branch of the rules in force would change.
type rulesPlan struct {
	to      git.Hash
	changes []string
	leaving []name.App // that would go with it
	taken   bool       // it is in force
}

// inForce reports whether a branch is that of the rules in force.
func (p *push) inForce(branch name.Branch) bool {
	return p.repo.Name() == access.AdminRepo && branch == appfile.DefaultBranch
}

// judgeRules judges a branch of the server's own repository. Only main is in force, and
// what would be in force has to be whole and leave its author in.
func (p *push) judgeRules(ctx context.Context, update hook.RefUpdate, branch name.Branch, q git.Quarantine) manifest.Problems {
	if problems := p.mayStore(ctx, update, q); len(problems) > 0 {
		return problems
	}
	if !p.inForce(branch) {
		p.stored = append(p.stored, storedBranch{name: branch})
		return nil
	}
	if p.options.Skip {
		return manifest.Problems{{Message: "the rules on main are in force, and cannot be stored only", Hint: "keep a draft on another branch: git push origin HEAD:draft"}}
	}
	if problems := p.judgeForward(ctx, update, branch, q); len(problems) > 0 {
		return problems
	}
	tree, err := p.repo.QuarantinedTree(update.New, q)
	if err != nil {
		return manifest.Problems{{Message: err.Error(), Hint: "push a commit to a branch"}}
	}
	changes, leaving, problems := p.door.Rules.Propose(tree, p.session.Caller(), p.options.ConfirmPrune)
	plan := &rulesPlan{to: update.New, changes: changes, leaving: leaving}
	if len(problems) > 0 {
		if len(changes) > 0 { // they only have to be confirmed
			p.unconfirmed = plan
		}
		return problems
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = plan
	return nil
}

// print shows what the rules would change; nothing, if the push is not about them.
func (r *rulesPlan) print(out io.Writer) {
	if r == nil {
		return
	}
	fmt.Fprintf(out, "%s: plan, %s\n", access.AdminRepo, r.to.Short())
	for _, line := range r.changes {
		fmt.Fprintln(out, manifest.Clean(line))
	}
	if len(r.changes) == 0 {
		fmt.Fprintln(out, "  nobody gains or loses anything")
	}
}

// planOnly is the last line of a push with -o plan that deploys nothing.
func (r *rulesPlan) planOnly() string {
	if r == nil {
		return "plan only: this push deploys nothing; nothing was changed"
	}
	return "plan only: nothing was changed"
}

// takeRules puts the rules of the push in force, once, if it has moved their branch.
func (p *push) takeRules(ctx context.Context, out io.Writer) {
	plan := p.markTaken(true)
	if plan == nil {
		return
	}
	if err := p.door.Rules.Take(ctx, p.session.Caller(), plan.leaving...); err != nil {
		p.markTaken(false)
		p.door.Log.WithError(err).Error("access: the rules that were pushed are not in force; the former stay")
		fmt.Fprintf(out, "error: the rules are pushed, but not in force: the former ones stay\n%s",
			report.Hints("the server's log says why; they are tried again by the next push, or when the server starts"))
		p.fail()
		return
	}
	fmt.Fprintf(out, "%s: in force\n", access.AdminRepo)
}

// markTaken notes whether the rules of the push are in force, and returns their plan; nil
// if there is none, or it was noted before.
func (p *push) markTaken(taken bool) *rulesPlan {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rules == nil || p.rules.taken == taken {
		return nil
	}
	p.rules.taken = taken
	return p.rules
}
