package push

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/name"
)

// movingWith are the branches and tags that a push moves: an app of one branch may be rendered from
// another, or from a tag.
func (p *push) movingWith(ctx context.Context, updates []hook.RefUpdate, q git.Quarantine) deploy.Moving {
	moving := deploy.Moving{
		Refs: map[string]name.Revision{},
		Commit: func(revision name.Revision) (name.Revision, error) {
			commit, err := p.repo.QuarantinedCommit(git.Hash(revision), q)
			return name.Revision(commit.Hash), err
		},
		Tree: func(revision name.Revision) (fs.FS, error) {
			return p.repo.QuarantinedTree(git.Hash(revision), q)
		},
		Vouched: func(ref string, revision name.Revision) error { return p.signedAsMain(ctx, ref, revision) },
	}
	for _, update := range updates {
		_, isBranch := name.BranchOf(update.Ref)
		_, isTag := name.TagOf(update.Ref)
		switch {
		case !isBranch && !isTag || len(judgeName(update)) > 0:
		case update.Deletes():
			moving.Refs[update.Ref] = ""
		default:
			moving.Refs[update.Ref] = name.Revision(update.New)
		}
	}
	return moving
}

// signedAsMain is an error if the commits of a branch need not be signed as those of the main branch
// are: what the push brings to it is held to the rules of the branch itself. A tag has to lead to a
// commit that such a branch has already.
func (p *push) signedAsMain(ctx context.Context, ref string, revision name.Revision) error {
	main := p.main
	if main == "" {
		var err error
		if main, err = p.repo.MainBranch(); err != nil {
			return err
		}
	}
	now, repo := p.door.Rules.Current(), p.repo.Name()
	branch, is := name.BranchOf(ref)
	switch {
	case len(now.Signings(repo, main)) == 0, is && now.SignedAlike(repo, branch, main):
		return nil
	case is:
		return fmt.Errorf("branch %s takes commits that are not signed, as branch %s does not (requireSigned in access.yaml)", branch, main)
	case p.door.Engine.Vouched == nil:
		return nil
	}
	return p.door.Engine.Vouched(ctx, repo, revision)
}
