package push

import (
	"fmt"
	"io/fs"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/name"
)

// movingWith are the branches that a push moves: an app of one may be rendered from another.
func (p *push) movingWith(updates []hook.RefUpdate, q git.Quarantine) deploy.Moving {
	moving := deploy.Moving{
		Heads: map[name.Branch]name.Revision{},
		Tree: func(revision name.Revision) (fs.FS, error) {
			return p.repo.QuarantinedTree(git.Hash(revision), q)
		},
		Vouched: p.signedAsMain,
	}
	for _, update := range updates {
		branch, is := name.BranchOf(update.Ref)
		switch {
		case !is || len(judgeName(update)) > 0 || p.judgeObject(update, branch, q) != nil:
		case update.Deletes():
			moving.Heads[branch] = ""
		default:
			moving.Heads[branch] = name.Revision(update.New)
		}
	}
	return moving
}

// signedAsMain is an error if the commits of a branch need not be signed as those of the main branch
// are: what the push brings to it is held to the rules of the branch itself.
func (p *push) signedAsMain(branch name.Branch) error {
	main := p.main
	if main == "" {
		var err error
		if main, err = p.repo.MainBranch(); err != nil {
			return err
		}
	}
	if p.door.Rules.Current().SignedAlike(p.repo.Name(), branch, main) {
		return nil
	}
	return fmt.Errorf("branch %s takes commits that are not signed, as branch %s does not (requireSigned in access.yaml)", branch, main)
}
