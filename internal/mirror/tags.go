package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/push"
)

// Tags are fetched after the branches, and by themselves: what is wrong with them keeps no
// commit of a branch from being deployed. A tag that is new is taken. One that moved upstream,
// or is gone there, is a history that was rewritten.

// Limits of the tags of one mirror.
const (
	maxTags     = 1000
	maxGoneTags = 20 // that a state names
)

// chooseTags returns the tags that a mirror takes of those that upstream has.
func chooseTags(m *rules.Mirror, a advertised) ([]name.Tag, error) {
	var tags []name.Tag
	for _, ref := range slices.Sorted(maps.Keys(a.others)) {
		if tag, is := name.TagOf(ref); is {
			if _, err := name.ParseTag(string(tag)); err == nil { // Git has tags that we do not
				tags = append(tags, tag)
			}
		}
	}
	taken, _ := m.TagsOf(tags)
	if len(taken) > maxTags {
		return nil, &setupError{
			fmt.Sprintf("tags of %s fits %d tags, and at most %d are taken", rules.MirrorFile(m.Repo), len(taken), maxTags),
			"write a narrower pattern or range there, such as tags: ['>=1.2.0']",
		}
	}
	return taken, nil
}

// upstreamTag is the ref that says where upstream has a tag.
func upstreamTag(tag name.Tag) string {
	return git.UpstreamRefs + strings.TrimPrefix(tag.Ref(), "refs/")
}

// fetchTags gets the tags that are new.
func (r *round) fetchTags(ctx context.Context, w *way, repo *git.Repository, has advertised) ([]name.Tag, error) {
	tags, err := chooseTags(r.mirror, has)
	if err != nil {
		return nil, err
	}
	var news []string
	for _, tag := range tags {
		at, err := headOf(ctx, repo, upstreamTag(tag))
		if err != nil {
			return nil, err
		}
		if at != has.others[tag.Ref()] {
			news = append(news, tag.Ref())
		}
	}
	if len(news) == 0 {
		return tags, nil
	}
	_, err = w.fetch(ctx, repo, news)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return tags, err
}

// headOf is where a ref is; "" if there is none.
func headOf(ctx context.Context, repo *git.Repository, ref string) (git.Hash, error) {
	at, err := repo.Head(ctx, ref)
	if errors.Is(err, git.ErrNoRef) {
		return "", nil
	}
	return at, err
}

// asBranch is the name under which the state of a mirror has a tag that is refused, among its
// branches: no branch is called like a ref.
func asBranch(tag name.Tag) name.Branch { return name.Branch(tag.Ref()) }

// judgeTag decides about a tag, before the gate does. Of one that is gone upstream, what upstream
// has is zero.
func judgeTag(m *rules.Mirror, tag name.Tag, s sight, follow bool) (verdict, *manifest.Problem) {
	switch {
	case s.here == s.upstream, s.upstream.IsZero() && !follow:
		return stays, nil
	case s.here.IsZero():
		return moves, nil
	case follow:
		return rewrites, nil
	}
	return refused, &manifest.Problem{
		Message: fmt.Sprintf("tag %q was moved upstream: it is at %s there, and at %s here", tag, s.upstream.Short(), s.here.Short()),
		Hint:    fmt.Sprintf("to take it over this once: ssh HOST repo fetch %s --rewrite\nto do so always, write rewrites: follow in %s", m.Repo, rules.MirrorFile(m.Repo)),
	}
}

// tagMove is a tag that is to move.
type tagMove struct {
	tag     name.Tag
	by      basis
	update  hook.RefUpdate
	problem *manifest.Problem // that refuses it; nil: the gate judges it
}

// landTags has the gate judge the tags. It waits for the first branch.
func (r *round) landTags(ctx context.Context, repo *git.Repository, has advertised) error {
	r.noteTags(ctx)
	branches, err := repo.Refs(ctx, name.BranchPrefix)
	if err != nil || len(branches) == 0 || r.tagsErr != nil {
		return errors.Join(err, r.tagsErr)
	}
	gone, err := goneTags(ctx, repo, has)
	if err != nil {
		return err
	}
	known, _ := r.keeper.State(r.mirror.Repo)
	var fresh []tagMove
	var problems []error
	for _, tag := range slices.Concat(r.tags, gone) {
		move, what, err := r.lookAtTag(ctx, repo, tag, slices.Contains(gone, tag))
		_, wasRefused := known.Refused[asBranch(tag)]
		switch {
		case err != nil:
			problems = append(problems, err)
		case what == stays && wasRefused:
			r.noteJudged(asBranch(tag), move.by, false)
			r.took(asBranch(tag))
		case what == stays, r.rests(asBranch(tag), move.by):
		case what == moves:
			fresh = append(fresh, move)
		default:
			r.moveTags(ctx, repo, []tagMove{move})
		}
	}
	r.moveTags(ctx, repo, fresh)
	r.noteGoneTags(ctx, repo, gone)
	return errors.Join(problems...)
}

// goneTags are the tags that upstream had once, and has no more. They are unknown where it has
// more than are read.
func goneTags(ctx context.Context, repo *git.Repository, has advertised) (gone []name.Tag, err error) {
	if has.more {
		return nil, nil
	}
	refs, err := repo.Refs(ctx, git.UpstreamRefs+"tags/")
	for _, ref := range refs {
		tag := name.Tag(strings.TrimPrefix(ref.Name, git.UpstreamRefs+"tags/"))
		if _, there := has.others[tag.Ref()]; !there {
			gone = append(gone, tag)
		}
	}
	return gone, err
}

// lookAtTag compares a tag with what upstream has.
func (r *round) lookAtTag(ctx context.Context, repo *git.Repository, tag name.Tag, gone bool) (move tagMove, what verdict, err error) {
	var s sight
	if s.here, err = headOf(ctx, repo, tag.Ref()); err == nil && !gone {
		s.upstream, err = headOf(ctx, repo, upstreamTag(tag))
	}
	if err != nil {
		return move, stays, err
	}
	move = tagMove{tag: tag, by: r.basisOf(s), update: hook.RefUpdate{Ref: tag.Ref(), Old: orNone(s.here), New: orNone(s.upstream)}}
	what, move.problem = judgeTag(r.mirror, tag, s, r.rewrite)
	return move, what, nil
}

// moveTags has the gate judge tags together, as the server itself: who asks for a fetch may have
// the right to deploy a branch alone.
func (r *round) moveTags(ctx context.Context, repo *git.Repository, moves []tagMove) {
	switch {
	case len(moves) == 0:
		return
	case slices.Contains(r.options, "plan"):
		fmt.Fprintf(r.out, "%s: %s to take: %s\n", r.mirror.Repo, manifest.Plural(len(moves), "tag"), namesOf(moves))
		for _, move := range moves {
			r.outcome.Refused = append(r.outcome.Refused, asBranch(move.tag))
		}
		return
	}
	l := push.Landing{
		Repo: repo, Options: []string{"detach"}, Caller: access.System("mirror"), Why: "mirror of " + r.mirror.URL, Rewrites: true,
		Spelling: Spelling(r.mirror.Repo), Fill: r.fill,
	}
	for _, move := range moves {
		l.Updates = append(l.Updates, move.update)
		if move.problem != nil {
			l.Problems = append(l.Problems, *move.problem)
		}
	}
	first := moves[0]
	l.Known = func(reason string) bool { return !r.asked && r.knows(asBranch(first.tag), first.update.New, reason) }
	landed := r.keeper.config.Gate.Land(ctx, l, r.gone, r.out)
	if landed.Accepted {
		r.outcome.Tags = append(r.outcome.Tags, namesIn(moves)...)
		fmt.Fprintf(r.out, "%s: took %s: %s\n", r.mirror.Repo, manifest.Plural(len(moves), "tag"), namesOf(moves))
	}
	for _, move := range moves {
		r.noteJudged(asBranch(move.tag), move.by, !landed.Accepted)
		switch {
		case landed.Accepted:
			r.took(asBranch(move.tag))
		case ctx.Err() == nil:
			r.outcome.Refused = append(r.outcome.Refused, asBranch(move.tag))
			r.refused(asBranch(move.tag), move.update.New, landed)
		}
	}
}

func namesIn(moves []tagMove) []name.Tag {
	names := make([]name.Tag, len(moves))
	for i, move := range moves {
		names[i] = move.tag
	}
	return names
}

// maxNamed bounds the tags that a line names.
const maxNamed = 8

// namesOf writes the names of tags, of many the first few.
func namesOf(moves []tagMove) string {
	names := namesIn(moves)
	text := manifest.Clean(name.Join(names[:min(len(names), maxNamed)], ", "))
	if more := len(names) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// noteTags keeps whether the tags could be fetched.
func (r *round) noteTags(ctx context.Context) {
	if r.tagsErr != nil && ctx.Err() != nil {
		return
	}
	now := time.Now().UTC()
	r.keeper.change(r.mirror.Repo, func(s *State) {
		if r.tagsErr == nil {
			s.Untagged = nil
			return
		}
		s.Untagged = troubleOf(r.tagsErr, "upstream", s.Untagged, now)
	})
}

// noteGoneTags notes which tags that are here are gone upstream, and forgets refusals of tags
// that are not taken any more.
func (r *round) noteGoneTags(ctx context.Context, repo *git.Repository, gone []name.Tag) {
	var stay []name.Tag
	for _, tag := range gone {
		if at, err := headOf(ctx, repo, tag.Ref()); err == nil && !at.IsZero() && len(stay) < maxGoneTags {
			stay = append(stay, tag)
		}
	}
	r.keeper.change(r.mirror.Repo, func(s *State) {
		s.GoneTags = stay
		maps.DeleteFunc(s.Refused, func(branch name.Branch, _ Refused) bool {
			tag, is := name.TagOf(string(branch))
			return is && !slices.Contains(r.tags, tag) && !slices.Contains(gone, tag)
		})
		if len(s.Refused) == 0 {
			s.Refused = nil
		}
	})
}
