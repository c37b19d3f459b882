package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// errUnsigned is of a commit that the rules on signatures keep from being deployed.
var errUnsigned = errors.New("the rules ask for signatures (requireSigned in access.yaml)")

// vouched refuses a commit, or a tag's, of a repository whose main branch takes signed commits
// alone, unless a branch that asks for the same signatures contains it.
func (s *server) vouched(ctx context.Context, repo name.Repo, revision name.Revision) error {
	now := s.rules.Current()
	repository, err := s.repos.Open(repo)
	if err != nil {
		return err
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
