package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// spot is what a place of a repository is now: a branch, a tag or a commit. The zero spot is
// none.
type spot struct {
	branch   name.Branch
	tag      name.Tag
	revision name.Revision
}

// spotOf finds what a place of a repository is now. Of a repository without it, it is the zero
// spot.
func spotOf(ctx context.Context, source Source, repo name.Repo, at meaning.At) (spot, error) {
	if at.Commit != "" {
		return spot{revision: at.Commit}, nil
	}
	if at.IsMain() {
		main, err := source.Main(repo)
		if err != nil {
			return spot{}, err
		}
		at.Branch = main
	}
	tags := []name.Tag{at.Tag, name.Tag(at.Word)}
	if at.Range != "" {
		highest, err := highestIn(ctx, source, repo, at)
		if err != nil {
			return spot{}, err
		}
		tags = slices.Insert(tags, 0, highest)
	}
	if found, err := tagAmong(ctx, source, repo, tags[:len(tags)-1]); err != nil || found.revision != "" {
		return found, err
	}
	for _, branch := range []name.Branch{at.Branch, name.Branch(at.Word)} {
		if branch == "" {
			continue
		}
		if head, err := source.Head(ctx, repo, branch); err != nil || head != "" {
			return spot{branch: branch, revision: head}, err
		}
	}
	return tagAmong(ctx, source, repo, tags[len(tags)-1:])
}

// highestIn is the tag of the highest version in the range of a place; "" if there is none.
func highestIn(ctx context.Context, source Source, repo name.Repo, at meaning.At) (name.Tag, error) {
	within, err := name.ParseRange(at.Range, at.Loose)
	if err != nil {
		return "", fmt.Errorf("%q %w", manifest.Clean(at.Range), err)
	}
	tags, err := source.Tags(ctx, repo)
	return within.Highest(tags), err
}

// tagAmong is the first of some tags that there is. Those that are "" are none.
func tagAmong(ctx context.Context, source Source, repo name.Repo, tags []name.Tag) (spot, error) {
	for _, tag := range tags {
		if tag == "" {
			continue
		}
		if revision, err := source.Tagged(ctx, repo, tag); err != nil || revision != "" {
			return spot{tag: tag, revision: revision}, err
		}
	}
	return spot{}, nil
}

// followed is a place of another repository, or of another place of the app's own, and what it
// was when it was read.
type followed struct {
	repo   name.Repo
	at     meaning.At
	folder string // in which it is read, see appfile.Others
	spot
}

// moves reports whether a ref of the repository may make the place another.
func (f followed) moves(ref string) bool {
	if branch, is := name.BranchOf(ref); is {
		return f.branch == branch || f.at.Branch == branch || f.at.Word != "" && f.at.Word == string(branch)
	}
	tag, is := name.TagOf(ref)
	if !is || f.at.Commit != "" {
		return false
	}
	if f.tag == tag || f.at.Tag == tag || f.at.Word != "" && f.at.Word == string(tag) {
		return true
	}
	within, err := name.ParseRange(f.at.Range, f.at.Loose)
	return f.at.Range != "" && err == nil && within.Has(tag)
}

// othersMoved reports whether a place of another repository, of which the target is rendered,
// is not what it was.
func (t *target) othersMoved(ctx context.Context, source Source) (bool, error) {
	for _, f := range t.others {
		now, err := spotOf(ctx, source, f.repo, f.at)
		if err != nil {
			return false, fmt.Errorf("repository %s: %w", f.repo, err)
		}
		if now != f.spot {
			return true, nil
		}
	}
	return false, nil
}

// sources are the places of other repositories that the target is rendered from.
func (t *target) sources() (list []record.Place) {
	for _, f := range t.others {
		if strings.HasPrefix(t.Spec.Path+"/", f.folder+"/") || t.inputs.Reach(f.folder) {
			list = append(list, record.Place{Repo: f.repo, Branch: f.branch, Tag: f.tag, Revision: f.revision})
		}
	}
	return list
}

// following are the apps whose newest revisions name a place of a repository that a ref moves.
func (e *Engine) following(repo name.Repo, ref string) (apps []*app) {
	for _, a := range e.sorted() {
		if t := a.wanted(); t != nil && slices.ContainsFunc(t.others, func(f followed) bool { return f.repo == repo && f.moves(ref) }) {
			apps = append(apps, a)
		}
	}
	return apps
}

// FollowedBy are the branches of a repository, sorted, with apps that are rendered from where a ref of
// the same repository is.
func (e *Engine) FollowedBy(repo name.Repo, ref string) []name.Branch {
	var branches []name.Branch
	for _, a := range e.following(repo, ref) {
		if user, branch := a.home(); user == repo {
			branches = append(branches, branch)
		}
	}
	for _, at := range e.readWith.following(repo, ref) {
		if at.repo == repo {
			branches = append(branches, at.branch)
		}
	}
	slices.Sort(branches)
	return slices.Compact(branches)
}

// Wants reports whether a revision of a branch is what all apps of the branch are to be: none is left
// at an older one, as by a push that skipped its deploys.
func (e *Engine) Wants(repo name.Repo, branch name.Branch, revision name.Revision) bool {
	return !slices.ContainsFunc(e.appsOn(repo, branch), func(a *app) bool {
		t := a.wanted()
		return t == nil || t.Revision != revision || a.skippedRevision() != ""
	})
}

// RenderedFrom are the apps of the proposal that are rendered from another branch of its repository.
func (p *Proposal) RenderedFrom(branch name.Branch) []name.App {
	var apps []name.App
	for _, t := range p.targets {
		if slices.ContainsFunc(t.sources(), func(at record.Place) bool { return at.Repo == p.Repo && at.Branch == branch }) {
			apps = append(apps, t.Spec.Name)
		}
	}
	return apps
}

// Follows reports whether apps are rendered from where a ref of a repository is, beside those
// that a branch feeds: of others, or of a tag of their own.
func (e *Engine) Follows(repo name.Repo, ref string) bool {
	return len(e.following(repo, ref))+len(e.readWith.following(repo, ref)) > 0
}

// RefMoved has the apps that are rendered from where a ref of a repository is look at it soon. A
// branch that makes no app of what is there is read again: it may make one now.
func (e *Engine) RefMoved(repo name.Repo, ref string) {
	looking := map[branchOf]bool{}
	for _, a := range e.following(repo, ref) {
		user, branch := a.home()
		looking[branchOf{user, branch}] = true
		a.enqueue(systemJob(record.CauseSchedule))
	}
	for _, at := range e.readWith.following(repo, ref) {
		if !looking[at] {
			e.later(func() {
				if err := e.arrive(e.ctx, at.repo, record.CauseSchedule); err != nil {
					e.Log.WithField("repository", at.repo).Warnf("read it again, as repository %s has moved: %v", repo, err)
				}
			})
		}
	}
}

// later does something beside the caller, unless the engine has stopped.
func (e *Engine) later(do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.stopped {
		e.workers.Go(do)
	}
}
