package push

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// Source lets package deploy, which knows no Git, read the repositories of a store.
type Source struct{ Repos *git.Store }

// Repositories lists the repositories that can have apps: all but the server's own.
func (s Source) Repositories() ([]name.Repo, error) {
	repos, err := s.Repos.List()
	return slices.DeleteFunc(repos, func(repo name.Repo) bool { return repo == access.AdminRepo }), err
}

// Branches maps each branch of a repository to its newest revision.
func (s Source) Branches(ctx context.Context, repo name.Repo) (map[name.Branch]name.Revision, error) {
	repository, err := s.Repos.Open(repo)
	if err != nil {
		return nil, err
	}
	refs, err := repository.Refs(ctx, name.BranchPrefix)
	if err != nil {
		return nil, err
	}
	branches := make(map[name.Branch]name.Revision, len(refs))
	for _, ref := range refs {
		branch, _ := name.BranchOf(ref.Name)
		branches[branch] = name.Revision(ref.Hash)
	}
	return branches, nil
}

// Head returns the newest revision of a branch, "" if there is no such branch.
func (s Source) Head(ctx context.Context, repo name.Repo, branch name.Branch) (name.Revision, error) {
	repository, err := s.Repos.Open(repo)
	if err != nil {
		return "", err
	}
	head, err := repository.Head(ctx, branch.Ref())
	if errors.Is(err, git.ErrNoRef) {
		return "", nil
	}
	return name.Revision(head), err
}

// Main returns the branch that the repository's HEAD names.
func (s Source) Main(repo name.Repo) (name.Branch, error) {
	repository, err := s.Repos.Open(repo)
	if err != nil {
		return "", err
	}
	return repository.MainBranch()
}

// Asked returns the options of the branch's last push, if any.
func (s Source) Asked(repo name.Repo, branch name.Branch) (record.Asked, error) {
	repository, err := s.Repos.Open(repo)
	if err != nil {
		return record.Asked{}, err
	}
	text, err := repository.Asked(branch.Ref())
	return record.ParseAsked(text), err
}

// AskedOf returns what a verb last asked for with one app of a branch, if anything.
func (s Source) AskedOf(repo name.Repo, branch name.Branch, app name.App) (record.Asked, error) {
	repository, err := s.Repos.Open(repo)
	if err != nil {
		return record.Asked{}, err
	}
	text, err := repository.Asked(askedOf(branch, app))
	return record.ParseAsked(text), err
}

// KeepAskedOf stores it, before the deploy begins, in case the server is killed before it can
// carry it out.
func (s Source) KeepAskedOf(repo name.Repo, branch name.Branch, app name.App, asked record.Asked) error {
	repository, err := s.Repos.Open(repo)
	if err != nil {
		return err
	}
	return repository.SetAsked(askedOf(branch, app), asked.String())
}

// askedOf names one app of a branch; no ref has a blank.
func askedOf(branch name.Branch, app name.App) string { return branch.Ref() + " " + string(app) }

// SetAsked stores options with a branch, in place of those before.
func (s Source) SetAsked(repo name.Repo, branch name.Branch, asked record.Asked) error {
	repository, err := s.Repos.Open(repo)
	if err != nil {
		return err
	}
	return repository.SetAsked(branch.Ref(), asked.String())
}

// Tags lists the tags.
func (s Source) Tags(ctx context.Context, repo name.Repo) ([]name.Tag, error) {
	repository, err := s.Repos.Open(repo)
	if err != nil {
		return nil, err
	}
	refs, err := repository.Refs(ctx, name.TagPrefix)
	tags := make([]name.Tag, len(refs))
	for i, ref := range refs {
		tags[i], _ = name.TagOf(ref.Name)
	}
	return tags, err
}

// Tagged returns the commit that a tag leads to, "" if there is no such tag. One of something
// else is an error.
func (s Source) Tagged(ctx context.Context, repo name.Repo, tag name.Tag) (name.Revision, error) {
	repository, err := s.Repos.Open(repo)
	if err != nil {
		return "", err
	}
	at, err := repository.Head(ctx, tag.Ref())
	if errors.Is(err, git.ErrNoRef) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	commit, err := repository.Commit(at)
	if err != nil {
		return "", fmt.Errorf("tag %q leads to no commit: %w", tag, err)
	}
	return name.Revision(commit.Hash), nil
}

// Tree reads a revision.
func (s Source) Tree(repo name.Repo, revision name.Revision) (fs.FS, error) {
	repository, err := s.Repos.Open(repo)
	if err != nil {
		return nil, err
	}
	return repository.Tree(git.Hash(revision))
}
