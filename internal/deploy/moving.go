package deploy

import (
	"context"
	"io/fs"
	"slices"

	"github.com/pushboat/pushboat/internal/name"
)

// Moving are the branches and tags of a repository that a push moves: apps of one branch may be
// rendered from another, or from a tag.
type Moving struct {
	Refs map[string]name.Revision // by the whole names, an annotated tag's as itself; "": the push deletes it
	// Commit is the commit that a revision of Refs leads to, and Tree reads one of the repository,
	// whether the push brings it or not.
	Commit func(revision name.Revision) (name.Revision, error)
	Tree   func(revision name.Revision) (fs.FS, error)
	// Vouched is Config.Vouched for one of them: it is an error if not all of its commits have the
	// signatures that the rules ask for on the main branch.
	Vouched func(ref string, revision name.Revision) error
}

// withMoving is a Source in which the refs of a repository are where a push moves them.
type withMoving struct {
	Source
	repo   name.Repo
	moving Moving
}

// Head implements Source.
func (s withMoving) Head(ctx context.Context, repo name.Repo, branch name.Branch) (name.Revision, error) {
	if head, moves := s.moving.Refs[branch.Ref()]; moves && repo == s.repo {
		return head, nil
	}
	return s.Source.Head(ctx, repo, branch)
}

// Tagged implements Source.
func (s withMoving) Tagged(ctx context.Context, repo name.Repo, tag name.Tag) (name.Revision, error) {
	switch at, moves := s.moving.Refs[tag.Ref()]; {
	case !moves || repo != s.repo:
	case at == "":
		return "", nil
	default:
		return s.moving.Commit(at)
	}
	return s.Source.Tagged(ctx, repo, tag)
}

// Tags implements Source.
func (s withMoving) Tags(ctx context.Context, repo name.Repo) ([]name.Tag, error) {
	tags, err := s.Source.Tags(ctx, repo)
	if err != nil || repo != s.repo {
		return tags, err
	}
	tags = slices.DeleteFunc(slices.Clone(tags), func(tag name.Tag) bool {
		_, moves := s.moving.Refs[tag.Ref()]
		return moves
	})
	for ref, at := range s.moving.Refs {
		if tag, is := name.TagOf(ref); is && at != "" {
			tags = append(tags, tag)
		}
	}
	return tags, nil
}

// Tree implements Source.
func (s withMoving) Tree(repo name.Repo, revision name.Revision) (fs.FS, error) {
	if repo == s.repo {
		return s.moving.Tree(revision)
	}
	return s.Source.Tree(repo, revision)
}

// source is where the joined revision finds other places.
func (j *joined) source() Source {
	if len(j.moving.Refs) == 0 {
		return j.engine.Source
	}
	return withMoving{j.engine.Source, j.user, j.moving}
}

// ref is the branch or tag of a spot; "" for a commit.
func (s spot) ref() string {
	switch {
	case s.branch != "":
		return s.branch.Ref()
	case s.tag != "":
		return s.tag.Ref()
	}
	return ""
}

// vouched is an error if a place of a repository has not the signatures that the rules ask for. A
// branch of another repository is under rules of its own.
func (j *joined) vouched(repo name.Repo, now spot) error {
	_, moves := j.moving.Refs[now.ref()]
	switch {
	case repo == j.user && moves:
		return j.moving.Vouched(now.ref(), now.revision)
	case now.branch != "" && repo != j.user, j.engine.Vouched == nil:
		return nil
	}
	return j.engine.Vouched(j.engine.ctx, repo, now.revision)
}
