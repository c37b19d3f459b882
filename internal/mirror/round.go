package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/pushboat/pushboat/internal/report"
)

// round asks one upstream once.
type round struct {
	keeper  *Keeper
	mirror  *rules.Mirror
	caller  access.Caller
	out     io.Writer
	options []string
	rewrite bool // a rewritten history is taken over
	accept  bool // whichever key the host shows is its key from now on
	asked   bool // somebody has asked for the round, and hears of every refusal
	gone    <-chan struct{}
	fill    func(text string) string
	outcome Outcome
	tags    []name.Tag // that are taken
	tagsErr error      // why they could not be fetched
}

// run asks upstream, fetches what is new, and has the gate judge it. Rounds of one mirror
// take turns.
func (r *round) run(ctx context.Context) error {
	k := r.keeper
	over, err := k.takeTurn(ctx, r.mirror)
	if err != nil {
		return err
	}
	defer over()
	if err := errors.Join(k.config.Fence(), k.config.Disk()); err != nil {
		return err
	}
	k.change(r.mirror.Repo, func(s *State) { s.Fetching = true })
	defer k.change(r.mirror.Repo, func(s *State) { s.Fetching = false })
	repo, branches, has, err := r.fetch(ctx)
	r.note(ctx, err)
	if err != nil {
		return err
	}
	return errors.Join(r.landAll(ctx, repo, branches, has.main), r.noteGone(ctx, repo, branches, has), r.landTags(ctx, repo, has))
}

// takeTurn waits for the turn of a mirror, of its host, and of the server, in this order: who
// waits for a slow host keeps no other from going on.
func (k *Keeper) takeTurn(ctx context.Context, m *rules.Mirror) (over func(), err error) {
	host := m.Address().Host
	k.mu.Lock()
	if k.hosts[host] == nil {
		k.hosts[host] = make(chan struct{}, atOnceHost)
	}
	turns := []chan struct{}{k.entry(m.Repo).turn, k.hosts[host], k.slots}
	k.mu.Unlock()
	return take(ctx, turns)
}

// take waits for turns, one after the other.
func take(ctx context.Context, turns []chan struct{}) (over func(), err error) {
	taken := 0
	over = func() {
		for _, turn := range turns[:taken] {
			<-turn
		}
	}
	for _, turn := range turns {
		select {
		case turn <- struct{}{}:
			taken++
		case <-ctx.Done():
			over()
			return nil, ctx.Err()
		}
	}
	return over, nil
}

// fetch asks upstream for its branches, and gets those that are new. The repository is made
// before that if there is none, so that there is something to ask why upstream gives none.
func (r *round) fetch(ctx context.Context) (repo *git.Repository, branches []name.Branch, has advertised, err error) {
	k := r.keeper
	if within := k.settings().Within; within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	repo, err = k.config.Repos.Open(r.mirror.Repo)
	if errors.Is(err, git.ErrNotExist) {
		repo, err = k.config.Repos.Create(ctx, r.mirror.Repo)
	}
	if err != nil {
		return nil, nil, has, err
	}
	w, err := k.settings().open(ctx, upstreamOf(r.mirror), r.pin())
	if err != nil {
		return nil, nil, has, err
	}
	defer w.close()
	defer r.notePin(w)
	if has, err = w.list(ctx); err != nil {
		return nil, nil, has, err
	}
	if branches, err = choose(r.mirror, has); err != nil {
		return nil, nil, has, err
	}
	var news []string
	for _, branch := range branches {
		at, err := repo.Head(ctx, upstreamRef(branch))
		if err != nil && !errors.Is(err, git.ErrNoRef) {
			return nil, nil, has, err
		}
		if at != has.heads[branch] {
			news = append(news, branch.Ref())
		}
	}
	if len(news) > 0 {
		if _, err := w.fetch(ctx, repo, news); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return nil, nil, has, err
		}
	}
	r.tags, r.tagsErr = r.fetchTags(ctx, w, repo, has)
	return repo, branches, has, nil
}

// upstreamRef is the ref that says where upstream has a branch.
func upstreamRef(branch name.Branch) string {
	return git.UpstreamRefs + strings.TrimPrefix(branch.Ref(), "refs/")
}

// pin is the key by which the host is known.
func (r *round) pin() Pin {
	if r.accept {
		return Pin{}
	}
	if s, ok := r.keeper.State(r.mirror.Repo); ok && s.HostKey != nil {
		return *s.HostKey
	}
	return Pin{}
}

// notePin keeps the key that the host has shown, if it is right.
func (r *round) notePin(w *way) {
	shown, ok := w.newPin()
	if !ok {
		return
	}
	r.keeper.config.Log.WithField("repository", r.mirror.Repo).Infof("mirror: the host %s is known by its key %s from now on", shown.Host, shown.Fingerprint)
	r.keeper.change(r.mirror.Repo, func(s *State) { s.HostKey = &shown })
}

// note keeps whether upstream could be asked.
func (r *round) note(ctx context.Context, err error) {
	if err != nil && ctx.Err() != nil && !errors.Is(err, context.DeadlineExceeded) {
		return // the server stops, or who asked is gone
	}
	now := time.Now().UTC()
	r.keeper.change(r.mirror.Repo, func(s *State) {
		if err == nil {
			s.Trouble, s.Asked = nil, now
			return
		}
		s.Trouble = troubleOf(err, "upstream", s.Trouble, now)
	})
}

// landAll lands the branches, each by itself, so that one that is refused holds no other up, and the
// main branch last: its apps may be rendered from the others. The first of a repository has to be
// the main branch, for it becomes that here as well.
func (r *round) landAll(ctx context.Context, repo *git.Repository, branches []name.Branch, main name.Branch) error {
	others := slices.DeleteFunc(slices.Clone(branches), func(branch name.Branch) bool { return branch == main })
	if len(others) == len(branches) {
		return r.landEach(ctx, repo, others)
	}
	switch here, err := has(ctx, repo, main); {
	case err != nil:
		return err
	case here:
		return r.landEach(ctx, repo, append(others, main))
	}
	if err := r.landFirst(ctx, repo, branches, main); err != nil {
		return err
	}
	if here, err := has(ctx, repo, main); err != nil || !here {
		return err
	}
	return r.landEach(ctx, repo, others)
}

func (r *round) landEach(ctx context.Context, repo *git.Repository, branches []name.Branch) error {
	var problems []error
	for _, branch := range branches {
		problems = append(problems, r.land(ctx, repo, branch))
	}
	return errors.Join(problems...)
}

// has reports whether a branch is here.
func has(ctx context.Context, repo *git.Repository, branch name.Branch) (here bool, err error) {
	if _, err = repo.Head(ctx, branch.Ref()); errors.Is(err, git.ErrNoRef) {
		return false, nil
	}
	return err == nil, err
}

// landFirst lands the main branch of a repository that has none yet: with the other branches, from
// which its apps may be rendered, or if these are refused, alone.
func (r *round) landFirst(ctx context.Context, repo *git.Repository, branches []name.Branch, main name.Branch) error {
	if len(branches) > 1 && !slices.Contains(r.options, "plan") {
		if all, err := r.landTogether(ctx, repo, branches, main); all || err != nil {
			return err
		}
	}
	return r.land(ctx, repo, main)
}

// landTogether lands branches that are not here as one push. If that is refused, nobody is told.
func (r *round) landTogether(ctx context.Context, repo *git.Repository, branches []name.Branch, main name.Branch) (landed bool, err error) {
	l := r.landing(repo)
	l.Known = func(string) bool { return true }
	for _, branch := range branches {
		s, err := look(ctx, repo, branch)
		if err != nil {
			return false, err
		}
		what, problem := judge(r.mirror, branch, s, r.rewrite)
		takes := what != stays && problem == nil
		if branch == main && (!takes || r.rests(main, r.basisOf(s))) {
			return false, nil
		}
		if takes {
			l.Updates = append(l.Updates, hook.RefUpdate{Ref: branch.Ref(), Old: orNone(s.here), New: s.upstream})
		}
	}
	var said bytes.Buffer
	outcome := r.keeper.config.Gate.Land(ctx, l, r.gone, &said)
	if !outcome.Accepted {
		return false, nil
	}
	if _, err := r.out.Write(said.Bytes()); err != nil {
		r.keeper.config.Log.WithField("repository", r.mirror.Repo).Debugf("mirror: tell what became of it: %v", err)
	}
	r.outcome.Failed = r.outcome.Failed || outcome.Failed
	for _, update := range l.Updates {
		branch, _ := name.BranchOf(update.Ref)
		r.outcome.Moved = append(r.outcome.Moved, branch)
		r.noteJudged(branch, basis{}, false)
		r.took(branch)
	}
	return true, nil
}

// landing is a landing of branches, without them.
func (r *round) landing(repo *git.Repository) push.Landing {
	return push.Landing{
		Repo: repo, Options: r.options, Caller: r.caller, Why: "mirror of " + r.mirror.URL, Spelling: Spelling(r.mirror.Repo), Fill: r.fill,
	}
}

// land has the gate judge what upstream has of a branch.
func (r *round) land(ctx context.Context, repo *git.Repository, branch name.Branch) error {
	s, err := look(ctx, repo, branch)
	if err != nil {
		return err
	}
	what, problem := judge(r.mirror, branch, s, r.rewrite)
	by := r.basisOf(s)
	switch {
	case what == stays:
		r.noteJudged(branch, by, false)
		r.took(branch)
		return nil
	case r.rests(branch, by):
		return nil
	}
	l := r.landing(repo)
	l.Updates, l.Rewrites = []hook.RefUpdate{{Ref: branch.Ref(), Old: orNone(s.here), New: s.upstream}}, what == rewrites
	l.Known = func(reason string) bool { return !r.asked && r.knows(branch, s.upstream, reason) }
	if problem != nil {
		l.Problems = manifest.Problems{*problem}
	}
	landed := r.keeper.config.Gate.Land(ctx, l, r.gone, r.out)
	switch {
	case landed.Accepted:
		r.outcome.Moved, r.outcome.Failed = append(r.outcome.Moved, branch), r.outcome.Failed || landed.Failed
		r.noteJudged(branch, by, false)
		r.took(branch)
	case landed.Reason != "" && ctx.Err() == nil:
		r.outcome.Refused = append(r.outcome.Refused, branch)
		r.noteJudged(branch, by, true)
		r.refused(branch, s.upstream, landed)
	default: // it was planned only, or given up
		r.outcome.Refused = append(r.outcome.Refused, branch)
	}
	return nil
}

// none is the hash of no commit, as Git writes it.
const none = git.Hash("0000000000000000000000000000000000000000")

func orNone(hash git.Hash) git.Hash {
	if hash.IsZero() {
		return none
	}
	return hash
}

// look compares a branch with what upstream has.
func look(ctx context.Context, repo *git.Repository, branch name.Branch) (s sight, err error) {
	if s.upstream, err = repo.Head(ctx, upstreamRef(branch)); err != nil {
		return s, err
	}
	if s.here, err = repo.Head(ctx, branch.Ref()); errors.Is(err, git.ErrNoRef) {
		return s, nil
	}
	if err != nil || s.here == s.upstream {
		return s, err
	}
	if s.forward, err = repo.IsAncestor(ctx, s.here, s.upstream, git.Quarantine{}); err != nil || s.forward {
		return s, err
	}
	s.related, err = repo.Related(ctx, s.here, s.upstream)
	return s, err
}

// Spelling spells the remedies of problems for who looks after a mirror.
func Spelling(repo name.Repo) report.Door {
	again := "run ssh HOST repo fetch " + string(repo)
	return report.Door{
		Again: again, Force: again + " --force", ConfirmPrune: again + " --confirm-prune=",
		PlainSecrets: again + " --plain-secrets takes it as it is", Override: again + ` --override "'REASON'"`,
	}
}

// knows reports whether a revision was refused for the same reason already.
func (r *round) knows(branch name.Branch, revision git.Hash, reason string) bool {
	s, _ := r.keeper.State(r.mirror.Repo)
	known, ok := s.Refused[branch]
	return ok && known.Revision == revision && known.Reason == reason
}

// took notes that a branch is as upstream has it.
func (r *round) took(branch name.Branch) {
	r.keeper.change(r.mirror.Repo, func(s *State) {
		delete(s.Refused, branch)
		if len(s.Refused) == 0 {
			s.Refused = nil
		}
	})
}

// refused notes that a revision is not taken.
func (r *round) refused(branch name.Branch, revision git.Hash, landed push.Landed) {
	now := time.Now().UTC()
	r.keeper.change(r.mirror.Repo, func(s *State) {
		if s.Refused == nil {
			s.Refused = map[name.Branch]Refused{}
		}
		was := s.Refused[branch]
		is := Refused{Revision: revision, Reason: landed.Reason, Since: now, Refusal: landed.Refusal}
		if was.Revision == revision {
			is.Since = was.Since
			if is.Refusal == "" {
				is.Refusal = was.Refusal
			}
		}
		s.Refused[branch] = is
	})
}

// noteGone notes which branches upstream had once and has no more, and which of those that it
// has are not fetched any more, since its HEAD names another. Here they stay, and so does what
// is deployed from them.
func (r *round) noteGone(ctx context.Context, repo *git.Repository, branches []name.Branch, has advertised) error {
	refs, err := repo.Refs(ctx, git.UpstreamRefs+"heads/")
	if err != nil {
		return fmt.Errorf("find the branches that are gone upstream: %w", err)
	}
	var gone map[name.Branch]time.Time
	var left []name.Branch
	s, _ := r.keeper.State(r.mirror.Repo)
	for _, ref := range refs {
		branch := name.Branch(strings.TrimPrefix(ref.Name, git.UpstreamRefs+"heads/"))
		_, there := has.heads[branch]
		switch {
		case slices.Contains(branches, branch) || !r.mirror.Takes(branch):
		case there:
			left = append(left, branch)
		default:
			if gone == nil {
				gone = map[name.Branch]time.Time{}
			}
			gone[branch] = time.Now().UTC()
			if since, known := s.Gone[branch]; known {
				gone[branch] = since
			}
		}
	}
	r.keeper.change(r.mirror.Repo, func(s *State) {
		s.Gone, s.Left = gone, left
		for branch := range s.Refused {
			if _, tag := name.TagOf(string(branch)); !tag && !slices.Contains(branches, branch) {
				delete(s.Refused, branch)
			}
		}
	})
	return nil
}
