package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// errUnsigned is of a commit that the rules on signatures keep from being deployed.
var errUnsigned = errors.New("the rules ask for signatures (requireSigned in access.yaml)")

// vouched refuses commits of a repository from which no app may come, see vouchedIn.
func (s *server) vouched(ctx context.Context, repo name.Repo, revision name.Revision) error {
	repository, err := s.repos.Open(repo)
	if err != nil {
		return err
	}
	return vouchedIn(ctx, repository, s.rules.Current(), revision)
}

// vouchedIn refuses a commit to which no branch or tag leads: whoever may name a commit of a
// repository must not read its records, nor what was taken back there. Where the main branch
// takes signed commits alone, a branch that asks for the same signatures has to contain it.
func vouchedIn(ctx context.Context, repository *git.Repository, now *rules.Rules, revision name.Revision) error {
	repo := repository.Name()
	if !repository.IsReachable(ctx, git.Hash(revision)) {
		return fmt.Errorf("commit %s is on no branch, and in no tag", revision.Short())
	}
	main, err := repository.MainBranch()
	if err != nil || len(now.Signings(repo, main)) == 0 {
		return err
	}
	refs, err := repository.Refs(ctx, name.BranchPrefix)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		branch, _ := name.BranchOf(ref.Name)
		if !now.SignedAlike(repo, branch, main) {
			continue
		}
		if is, err := repository.IsAncestor(ctx, git.Hash(revision), ref.Hash, git.Quarantine{}); err != nil || is {
			return err
		}
	}
	return fmt.Errorf("commit %s is on no branch to which only signed commits come: %w", revision.Short(), errUnsigned)
}
