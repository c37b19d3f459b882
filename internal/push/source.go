package push

import (
	"context"
	"errors"
	"io/fs"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// Source lets package deploy, which knows no Git, read the repositories of a
// store.
type Source struct{ Repos *git.Store }

// Repositories lists the repositories.
func (s Source) Repositories() ([]string, error) {
	list, err := s.Repos.List()
	if err != nil {
		return nil, err
	}
	repos := make([]string, len(list))
	for i, repo := range list {
		repos[i] = string(repo)
	}
	return repos, nil
}

// Branches maps each branch of a repository to its newest revision.
func (s Source) Branches(ctx context.Context, repo string) (map[string]string, error) {
	repository, err := s.open(repo)
	if err != nil {
		return nil, err
	}
	refs, err := repository.Refs(ctx, name.BranchPrefix)
	if err != nil {
		return nil, err
	}
	branches := make(map[string]string, len(refs))
	for _, ref := range refs {
		branch, _ := name.BranchOf(ref.Name)
		branches[string(branch)] = ref.Hash.String()
	}
	return branches, nil
}

// Head returns the newest revision of a branch, "" if there is no such branch.
func (s Source) Head(ctx context.Context, repo, branch string) (string, error) {
	repository, err := s.open(repo)
	if err != nil {
		return "", err
	}
	head, err := repository.Head(ctx, name.Branch(branch).Ref())
	if errors.Is(err, git.ErrNoRef) {
		return "", nil
	}
	return head.String(), err
}

// Main returns the branch that the repository's HEAD names.
func (s Source) Main(repo string) (string, error) {
	repository, err := s.open(repo)
	if err != nil {
		return "", err
	}
	main, err := repository.MainBranch()
	return string(main), err
}

// Asked returns what was asked for when the branch was pushed last, if that was
// anything.
func (s Source) Asked(repo, branch string) (record.Asked, error) {
	repository, err := s.open(repo)
	if err != nil {
		return record.Asked{}, err
	}
	text, err := repository.Asked(name.Branch(branch).Ref())
	return record.ParseAsked(text), err
}

// Tree reads a revision.
func (s Source) Tree(repo, revision string) (fs.FS, error) {
	repository, err := s.open(repo)
	if err != nil {
		return nil, err
	}
	hash, err := git.ParseHash(revision)
	if err != nil {
		return nil, err
	}
	return repository.Tree(hash)
}

func (s Source) open(repo string) (*git.Repository, error) {
	return s.Repos.Open(name.Repo(repo))
}
