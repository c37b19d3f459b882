package deploy

import (
	"context"
	"io/fs"

	"github.com/pushboat/pushboat/internal/name"
)

// Moving are the branches of a repository that a push moves, of which one may be what apps of
// another are rendered from.
type Moving struct {
	Heads map[name.Branch]name.Revision // "": the push deletes it
	Tree  func(revision name.Revision) (fs.FS, error)
	// Vouched is Config.Vouched for one of them: it is an error if not all of its commits have the
	// signatures that the rules ask for on the main branch.
	Vouched func(branch name.Branch) error
}

// withMoving is a Source in which the branches of a repository are where a push moves them.
type withMoving struct {
	Source
	repo   name.Repo
	moving Moving
}

// Head implements Source.
func (s withMoving) Head(ctx context.Context, repo name.Repo, branch name.Branch) (name.Revision, error) {
	if head, moves := s.moving.Heads[branch]; moves && repo == s.repo {
		return head, nil
	}
	return s.Source.Head(ctx, repo, branch)
}

// Tree implements Source.
func (s withMoving) Tree(repo name.Repo, revision name.Revision) (fs.FS, error) {
	if repo == s.repo {
		for _, head := range s.moving.Heads {
			if head == revision {
				return s.moving.Tree(revision)
			}
		}
	}
	return s.Source.Tree(repo, revision)
}

// source is where the joined revision finds other places.
func (j *joined) source() Source {
	if len(j.moving.Heads) == 0 {
		return j.engine.Source
	}
	return withMoving{j.engine.Source, j.user, j.moving}
}

// vouched is an error if a place of a repository has not the signatures that the rules ask for. A
// branch of another repository is under rules of its own.
func (j *joined) vouched(repo name.Repo, now spot) error {
	head, moves := j.moving.Heads[now.branch]
	switch {
	case repo == j.user && moves && head == now.revision:
		if j.moving.Vouched == nil {
			return nil
		}
		return j.moving.Vouched(now.branch)
	case now.branch != "" && repo != j.user, j.engine.Vouched == nil:
		return nil
	}
	return j.engine.Vouched(j.engine.ctx, repo, now.revision)
}
