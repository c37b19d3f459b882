package push

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// followed is a branch with apps that are rendered from one that the push moves, and where it is.
type followed struct {
	branch name.Branch
	head   git.Hash
}

// moved judges a ref that feeds no app of its branch.
func (p *push) moved(ctx context.Context, update hook.RefUpdate, q git.Quarantine) (*deploy.Draft, manifest.Problems) {
	if problems := p.mayMove(ctx, update, q); len(problems) > 0 {
		return nil, problems
	}
	return p.following(ctx, update, q)
}

// following is the change of apps that are rendered from a branch or tag, and whose own branch stays
// where it is: they are judged, and deployed, as if it came again. The draft is nil if there are none, or
// if another branch of the push stands for them. Such apps deploy what is new by themselves, so the
// pusher cannot have that skipped.
func (p *push) following(ctx context.Context, update hook.RefUpdate, q git.Quarantine) (*deploy.Draft, manifest.Problems) {
	users := p.door.Engine.FollowedBy(p.repo.Name(), update.Ref)
	if p.options.Skip && len(users) > 0 {
		return nil, manifest.Problems{{
			Message: fmt.Sprintf("apps of branch %s are rendered from %s, and deploy what is new there: it cannot be skipped", users[0], update.Ref),
			Hint:    "suspend them first: ssh HOST suspend APP; or push without -o skip",
		}}
	}
	for _, user := range users {
		if _, moves := p.moving.Refs[user.Ref()]; moves || p.follows(user) {
			continue
		}
		head, err := p.repo.Head(ctx, user.Ref())
		if err != nil {
			continue // it is about to go, with its apps
		}
		if !p.door.Engine.Wants(p.repo.Name(), user, name.Revision(head)) {
			continue // nobody has asked for its newest commit yet; its apps look by themselves
		}
		tree, err := p.repo.Tree(head)
		if err != nil {
			return nil, manifest.Problems{{Message: fmt.Sprintf("read branch %s, whose apps are rendered from %s: %v", user, update.Ref, err), Hint: "push again"}}
		}
		if p.options.Override != "" { // the windows are those of its apps
			stays := hook.RefUpdate{Ref: user.Ref(), Old: head, New: head}
			if problems := p.may(ctx, access.Override, stays, q); len(problems) > 0 {
				return nil, problems
			}
		}
		p.follow = append(p.follow, followed{user, head})
		return p.door.Engine.Open(deploy.Change{
			Repo: p.repo.Name(), Branch: user, Main: p.main, Revision: name.Revision(head),
			Tree: tree, Moving: p.moving, Stays: true, Options: p.options, Caller: p.session.Caller(), Push: p.session.ID(),
			Trace: p.traced(), Gate: p.judging,
			Tell: p.tell,
		}), nil
	}
	return nil, nil
}

// follows reports whether a branch is one of those that stay where they are.
func (p *push) follows(branch name.Branch) bool {
	return slices.ContainsFunc(p.follow, func(f followed) bool { return f.branch == branch })
}

// followedStill refuses the push if such a branch has moved since it was read.
func (p *push) followedStill(ctx context.Context) manifest.Problems {
	var problems manifest.Problems
	for _, f := range p.follow {
		if head, err := p.repo.Head(ctx, f.branch.Ref()); err != nil || head != f.head {
			problems = append(problems, manifest.Problem{
				Message: fmt.Sprintf("branch %s, whose apps are rendered from what was pushed, has moved meanwhile", f.branch), Hint: "push again",
			})
		}
	}
	return problems
}

// onlyStored are the branches of the push that deploy nothing. It names those that apps of another
// branch are rendered from.
func (p *push) onlyStored(out io.Writer, proposals []*deploy.Proposal) []storedBranch {
	return slices.DeleteFunc(slices.Clone(p.stored), func(stored storedBranch) bool {
		var apps []name.App
		for _, proposal := range proposals {
			apps = append(apps, proposal.RenderedFrom(stored.name)...)
		}
		if len(apps) > 0 {
			fmt.Fprintf(out, "branch %s: %s\n", manifest.Clean(string(stored.name)), "what "+name.Join(apps, ", ")+" is rendered from")
		}
		return len(apps) > 0
	})
}
