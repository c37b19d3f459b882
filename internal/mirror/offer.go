package mirror

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// What is committed here for a mirror goes upstream as a branch of its own, for whoever merges it
// there: what is here moves once that is fetched.

// OfferPrefix begins the branches that upstream gets.
const OfferPrefix = "pushboat/"

// maxOffers bounds the branches of the prefix that upstream has, so that robots whose changes
// nobody merges do not fill it.
const maxOffers = 100

// Offer is a commit for upstream.
type Offer struct {
	Repo   name.Repo
	Base   git.Hash    // on Onto, which the commit adds to
	Commit git.Hash    // in the repository here
	Branch name.Branch // that upstream gets
	Onto   name.Branch // that the commit is meant for
}

// Offered is what became of an offer.
type Offered struct {
	Commit git.Hash // that the branch is at, upstream
	Known  bool     // upstream had the branch already, and keeps it as it is
	Link   string   // the page on which the forge takes a request to merge it; "": it is not known
	Newer  git.Hash // where Onto is upstream, beyond Base; "": it is there
}

// Refresh asks an upstream now, as its schedule does, and has the gate judge what is new.
func (k *Keeper) Refresh(ctx context.Context, repo name.Repo) error {
	m := k.config.Rules().Mirror(repo)
	if m == nil {
		return ErrNoMirror
	}
	return told(m, k.during(ctx, k.alone(m).run))
}

// Offer sends a commit upstream, with the key or token of the mirror.
func (k *Keeper) Offer(ctx context.Context, o Offer) (done Offered, err error) {
	m := k.config.Rules().Mirror(o.Repo)
	if m == nil {
		return done, ErrNoMirror
	}
	if !m.WriteBack {
		return done, KeepsOut(m)
	}
	err = k.during(ctx, func(ctx context.Context) error {
		done, err = k.offer(ctx, m, o)
		return err
	})
	done.Link = linkOf(m, o)
	return done, notOffered(m, o, err)
}

// KeepsOut is the error of a mirror whose upstream gets nothing.
func KeepsOut(m *rules.Mirror) error {
	return report.WithHint(fmt.Errorf("repository %s is a mirror of %s, and takes no commits of its own", m.Repo, m.Address().Redacted()),
		"commit the change there; it is fetched from there\nor have it pushed there as a branch: an admin writes writeBack: branch in %s", rules.MirrorFile(m.Repo))
}

// notOffered is an error for who has asked, with the next thing to try.
func notOffered(m *rules.Mirror, o Offer, err error) error {
	if err == nil {
		return nil
	}
	hint := fmt.Sprintf("try again; if that does not help, see that the key or token in %s may push branches,\nor commit the lines above upstream", rules.MirrorFile(m.Repo))
	if setup, ok := errors.AsType[*setupError](err); ok {
		hint = setup.hint
	}
	return report.WithHint(fmt.Errorf("send branch %s to %s: %s; nothing was changed", o.Branch, m.URL, explain(err)), "%s", hint)
}

// offer sends the branch. Rounds of one mirror take turns.
func (k *Keeper) offer(ctx context.Context, m *rules.Mirror, o Offer) (done Offered, err error) {
	over, err := k.takeTurn(ctx, m)
	if err != nil {
		return done, err
	}
	defer over()
	if err := errors.Join(k.config.Fence(), k.config.Disk()); err != nil {
		return done, err
	}
	settings := k.settings()
	if settings.Within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, settings.Within)
		defer cancel()
	}
	repo, err := k.config.Repos.Open(o.Repo)
	if err != nil {
		return done, err
	}
	r := &round{keeper: k, mirror: m}
	w, err := settings.open(ctx, writingTo(m), r.pin())
	if err != nil {
		return done, err
	}
	defer w.close()
	defer r.notePin(w)
	has, err := w.list(ctx)
	if err != nil {
		return done, err
	}
	s, err := sightOf(ctx, repo, o, &has)
	if err != nil {
		return done, err
	}
	return w.offer(ctx, repo, o, s)
}

// writingTo is upstream, for who writes there.
func writingTo(m *rules.Mirror) end {
	to := upstreamOf(m)
	to.may, to.service = "write", "git-receive-pack"
	return to
}

// offerSight is what is known of upstream when something is offered to it.
type offerSight struct {
	onto    git.Hash // where Onto is there; zero: there is no such branch
	unseen  bool     // that was not fetched yet
	based   bool     // the base is part of it
	there   git.Hash // where Branch is there; zero: it is new
	forward bool     // the commit contains that, which was merged then
	others  int      // branches of the prefix
}

// sightOf compares an offer with what upstream has.
func sightOf(ctx context.Context, repo *git.Repository, o Offer, has *advertised) (s offerSight, err error) {
	s.onto, s.there = has.heads[o.Onto], has.heads[o.Branch]
	if _, err := repo.Commit(s.onto); err != nil {
		s.unseen = true
	} else if s.based, err = contains(ctx, repo, s.onto, o.Base); err != nil {
		return s, err
	}
	if s.forward, err = contains(ctx, repo, o.Commit, s.there); err != nil {
		return s, err
	}
	for branch := range has.heads {
		if strings.HasPrefix(string(branch), OfferPrefix) {
			s.others++
		}
	}
	return s, nil
}

// judgeOffer decides about an offer: whether it is sent, or is there already. What upstream has
// rewritten does not come back by it.
func judgeOffer(o Offer, s offerSight) (sends bool, err error) {
	switch {
	case s.onto.IsZero():
		return false, &setupError{
			fmt.Sprintf("upstream has no branch %q any more", o.Onto), "see what became of it there: ssh HOST repo info " + string(o.Repo),
		}
	case s.unseen:
		return false, fmt.Errorf("branch %q has moved to %s upstream in between", o.Onto, s.onto.Short())
	case !s.based:
		return false, &setupError{
			fmt.Sprintf("branch %q is at %s upstream, which does not contain %s, from where it is changed", o.Onto, s.onto.Short(), o.Base.Short()),
			fmt.Sprintf("see why it is not here: ssh HOST repo fetch %s", o.Repo),
		}
	case s.there.IsZero() && s.others >= maxOffers:
		return false, &setupError{
			fmt.Sprintf("upstream has %d branches %s… already", s.others, OfferPrefix), "merge or delete them there, and try again",
		}
	}
	return s.there.IsZero() || s.forward && s.there != o.Commit, nil
}

// offer sends what upstream has not.
func (w *way) offer(ctx context.Context, repo *git.Repository, o Offer, s offerSight) (done Offered, err error) {
	if s.onto != o.Base {
		done.Newer = s.onto
	}
	sends, err := judgeOffer(o, s)
	if err != nil {
		return done, err
	}
	if done.Commit = o.Commit; !sends {
		done.Commit, done.Known = s.there, true
		return done, nil
	}
	said, err := w.push(ctx, repo, []git.Sending{{Ref: o.Branch.Ref(), New: o.Commit, Old: s.there}})
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return done, err
	}
	if why, refused := said[o.Branch.Ref()]; refused {
		return done, fmt.Errorf("upstream does not take it: %s", why)
	}
	return done, nil
}
