package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// maxAtOnce bounds the refs of one process of Git, whose names are on its command line.
const maxAtOnce = 500

// Sent is what became of a sending.
type Sent struct {
	Remote string
	Refs   []git.Sending     // that the remote has taken
	Unsent map[string]Unsent // that it has not as they are here
	Waits  []name.Branch     // that it gets once their deploys have ended

	force, accept bool
}

// ErrNoRemote is of a repository without such a remote.
var ErrNoRemote = errors.New("the repository has no such remote")

// Ask is a sending that somebody has asked for.
type Ask struct {
	Repo          name.Repo
	Remote        string // "": all of them
	Force         bool   // what is there, and is no part of what is here, is replaced this once
	AcceptHostKey bool   // whichever key the host shows is its key from now on
}

// Send sends to the remotes of a repository now.
func (s *Sender) Send(ctx context.Context, ask Ask) (list []Sent, err error) {
	remotes := slices.Clone(s.k.config.Rules().RemotesOf(ask.Repo))
	remotes = slices.DeleteFunc(remotes, func(m *rules.Remote) bool { return ask.Remote != "" && m.Name != ask.Remote })
	if len(remotes) == 0 {
		return nil, ErrNoRemote
	}
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return nil, errors.New("the server is about to stop")
	}
	s.rounds.Add(1)
	s.mu.Unlock()
	defer s.rounds.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.k.ctx, cancel)()
	var errs []error
	for _, m := range remotes {
		sent, err := s.send(ctx, m, Sent{force: ask.Force, accept: ask.AcceptHostKey})
		if err != nil {
			errs = append(errs, toldOfRemote(m, err))
			continue
		}
		s.again(m)
		list = append(list, sent)
	}
	return list, errors.Join(errs...)
}

// Names lists the remotes of a repository in one line.
func (s *Sender) Names(repo name.Repo) string { return s.names(repo) }

// again has a remote tried without the wait that its failures had earned.
func (s *Sender) again(m *rules.Remote) {
	s.mu.Lock()
	s.work(m).retries = retry{}
	s.mu.Unlock()
}

// toldOfRemote is an error for who has asked, with the next thing to try.
func toldOfRemote(m *rules.Remote, err error) error {
	hint := "see how the remote does: ssh HOST repo info " + string(m.Repo)
	if setup, ok := errors.AsType[*setupError](err); ok {
		hint = setup.hint
	}
	return report.WithHint(fmt.Errorf("send %s to %s (%s): %s", m.Repo, m.Name, m.URL, explainTo(err, "the remote")), "%s", hint)
}

// send compares a remote with what it is to have, and sends what is missing. Rounds of one
// remote take turns.
func (s *Sender) send(ctx context.Context, m *rules.Remote, sent Sent) (Sent, error) {
	sent.Remote = m.Name
	over, err := s.takeTurn(ctx, m)
	if err != nil {
		return sent, err
	}
	defer over()
	wants, waits, err := s.wants(ctx, m)
	if errors.Is(err, git.ErrNotExist) {
		return sent, nil // nothing was pushed yet
	}
	sent.Waits = waits
	if err == nil {
		s.change(m, func(state *RemoteState) { state.Sending = true })
		defer s.change(m, func(state *RemoteState) { state.Sending = false })
		sent, err = s.sendAll(ctx, m, wants, sent)
	}
	s.note(ctx, m, digestOf(m, wants), sent, err)
	return sent, err
}

// takeTurn waits for the turn of a remote, of its host, and of the server. Those that failed
// last wait for each other, and not the others for them.
func (s *Sender) takeTurn(ctx context.Context, m *rules.Remote) (over func(), err error) {
	host := m.Address().Host
	s.mu.Lock()
	if s.hosts[host] == nil {
		s.hosts[host] = make(chan struct{}, atOnceHost)
	}
	all := s.sound
	if s.state(m).Trouble != nil {
		all = s.failing
	}
	turns := []chan struct{}{s.work(m).turn, s.hosts[host], all}
	s.mu.Unlock()
	return take(ctx, turns)
}

// sendAll asks the remote what it has, and sends the rest.
func (s *Sender) sendAll(ctx context.Context, m *rules.Remote, wants []git.Ref, sent Sent) (Sent, error) {
	settings := s.k.settings()
	if settings.Within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, settings.Within)
		defer cancel()
	}
	repo, err := s.k.config.Repos.Open(m.Repo)
	if err != nil {
		return sent, err
	}
	w, err := settings.open(ctx, remoteOf(m), s.pin(m, sent.accept))
	if err != nil {
		return sent, err
	}
	defer w.close()
	defer s.notePin(m, w)
	has, err := w.list(ctx)
	if err != nil {
		return sent, err
	}
	if has.more {
		return sent, fmt.Errorf("the remote has more than %d tags and records", maxOthers)
	}
	list, unsent, err := compare(ctx, repo, wants, &has, m.Force || sent.force)
	sent.Unsent = unsent
	for part := range slices.Chunk(list, maxAtOnce) {
		if err == nil {
			err = sent.push(ctx, w, repo, part)
		}
	}
	return sent, err
}

// push sends some refs, and keeps what became of each.
func (sent *Sent) push(ctx context.Context, w *way, repo *git.Repository, list []git.Sending) error {
	said, err := w.push(ctx, repo, list)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	for _, one := range list {
		why, refused := said[one.Ref]
		if !refused {
			sent.Refs = append(sent.Refs, one)
			continue
		}
		sent.Unsent[one.Ref] = Unsent{Here: one.New, There: one.Old, Why: "the remote does not take it: " + why}
	}
	return nil
}

// compare says what to send, and what is left as it is there.
func compare(ctx context.Context, repo *git.Repository, wants []git.Ref, has *advertised, force bool) (list []git.Sending, unsent map[string]Unsent, err error) {
	unsent = map[string]Unsent{}
	for _, ref := range wants {
		there := has.at(ref.Name)
		forward, err := contains(ctx, repo, ref.Hash, there)
		if err != nil {
			return nil, unsent, err
		}
		switch what, why := judgeRef(ref, there, forward, force); what {
		case asItIs:
		case leaves:
			unsent[ref.Name] = Unsent{Here: ref.Hash, There: there, Why: why}
		default:
			list = append(list, git.Sending{Ref: ref.Name, New: ref.Hash, Old: there, Force: what == replaces})
		}
	}
	return list, unsent, nil
}

// contains reports whether a commit here contains one that the remote has, which may not be
// here.
func contains(ctx context.Context, repo *git.Repository, here, there git.Hash) (bool, error) {
	if there == here || there.IsZero() {
		return there == here, nil
	}
	if _, err := repo.Commit(there); err != nil {
		return false, nil //nolint:nilerr // it is not here
	}
	return repo.IsAncestor(ctx, there, here, git.Quarantine{})
}

// pin is the key by which the host is known.
func (s *Sender) pin(m *rules.Remote, accept bool) Pin {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.state(m).HostKey; known != nil && !accept {
		return *known
	}
	return Pin{}
}

// notePin keeps the key that the host has shown, if it is right.
func (s *Sender) notePin(m *rules.Remote, w *way) {
	shown, ok := w.newPin()
	if !ok {
		return
	}
	s.k.config.Log.WithField("repository", m.Repo).Infof("remote %s: the host %s is known by its key %s from now on", m.Name, shown.Host, shown.Fingerprint)
	s.change(m, func(state *RemoteState) { state.HostKey = &shown })
}

// note keeps what became of a round.
func (s *Sender) note(ctx context.Context, m *rules.Remote, done string, sent Sent, err error) {
	if err != nil && ctx.Err() != nil && !errors.Is(err, context.DeadlineExceeded) {
		return // the server stops, or who asked is gone
	}
	log := s.k.config.Log.WithField("repository", m.Repo)
	now := time.Now().UTC()
	s.change(m, func(state *RemoteState) {
		if err != nil {
			if state.Trouble == nil {
				log.Warnf("remote %s: %s", m.Name, explainTo(err, "the remote"))
			}
			state.Trouble = troubleOf(err, "the remote", state.Trouble, now)
			return
		}
		state.Trouble = nil
		state.Unsent, state.More = listUnsent(sent.Unsent, state.Unsent, now)
		state.Done, state.Tried = "", done
		if len(sent.Unsent) == 0 {
			state.Done, state.Sent = done, now
		}
	})
}

// listUnsent keeps some of what was not sent, and since when that is so.
func listUnsent(is, was map[string]Unsent, now time.Time) (kept map[string]Unsent, more int) {
	for _, ref := range slices.Sorted(maps.Keys(is)) {
		if len(kept) == maxUnsent {
			return kept, len(is) - maxUnsent
		}
		if kept == nil {
			kept = map[string]Unsent{}
		}
		one := is[ref]
		one.Since = now
		if before, known := was[ref]; known {
			one.Since = before.Since
		}
		kept[ref] = one
	}
	return kept, 0
}
