package mirror

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// Sender keeps remotes as their repositories are here. It compares the two, so a server that
// was killed anywhere goes on from there.
type Sender struct {
	k    *Keeper
	file string

	mu      sync.Mutex
	states  map[name.Repo]map[string]*RemoteState
	working map[remoteKey]*working
	hosts   map[string]chan struct{}
	sound   chan struct{} // turns of remotes that answered last time
	failing chan struct{} // turns of the others, so that they delay no sound one
	rounds  sync.WaitGroup
	stopped bool
	wake    chan struct{}
}

// working is what goes on with one remote.
type working struct {
	turn    chan struct{} // holds one while a round goes on
	begun   bool          // a round was begun by itself, and has not ended
	remote  *rules.Remote // as it was looked at last
	asked   bool          // since the server's start, or since the remote is another
	retries retry
}

// When remotes are looked at, and how many are sent to at a time.
const (
	sendGather     = time.Second // after the first sign of news
	sendLook       = 30 * time.Second
	leastSendRetry = 10 * time.Second
	mostSendRetry  = 15 * time.Minute
	soundAtOnce    = 4
	failingAtOnce  = 2
)

// NewSender makes a sender that goes by the configuration of a keeper, but for the file where
// its states are. Start begins its work.
func NewSender(k *Keeper, file string) *Sender {
	s := &Sender{
		k: k, file: file, working: map[remoteKey]*working{}, hosts: map[string]chan struct{}{},
		sound: make(chan struct{}, soundAtOnce), failing: make(chan struct{}, failingAtOnce), wake: make(chan struct{}, 1),
	}
	states, err := readStates[map[string]*RemoteState](file)
	if err != nil {
		k.config.Log.WithError(err).Error("remotes: what was known of remotes is lost, also the keys of their hosts; they are asked anew")
	}
	s.states = states
	return s
}

// Start compares every remote once, and looks after them from then on. It ends with the
// keeper.
func (s *Sender) Start() {
	s.k.telling.Go(func() { s.run(s.k.ctx) })
	s.k.telling.Go(func() { s.tellForges(s.k.ctx) })
}

// Stop has nothing new begun, and returns when nothing goes on. The keeper stops before.
func (s *Sender) Stop() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.rounds.Wait()
}

// RulesMoved takes up the remotes of the rules in force.
func (s *Sender) RulesMoved() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run looks which remotes have not what they should, until ctx ends.
func (s *Sender) run(ctx context.Context) {
	news, stop := s.k.config.News()
	defer stop()
	for {
		s.forget()
		next := time.Now().Add(sendLook)
		for _, m := range s.k.config.Rules().Remotes() {
			if at := s.see(ctx, m); !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		look := time.NewTimer(time.Until(next))
		select {
		case <-news:
		case <-s.wake:
		case <-look.C:
		case <-ctx.Done():
		}
		look.Reset(sendGather)
		select {
		case <-look.C:
		case <-ctx.Done():
			return
		}
	}
}

// see begins a round for a remote that needs one, and returns when to look again; zero: that
// does not matter.
func (s *Sender) see(ctx context.Context, m *rules.Remote) time.Time {
	s.mu.Lock()
	w := s.work(m)
	if w.remote == nil || !sameRemote(w.remote, m) {
		w.asked, w.retries = false, retry{}
	}
	w.remote = m
	busy, asked, at := w.begun || s.stopped, w.asked, w.retries.at
	done := s.state(m).Done
	s.mu.Unlock()
	switch {
	case busy:
		return time.Time{}
	case time.Now().Before(at):
		return at
	}
	if asked {
		wants, _, err := s.wants(ctx, m)
		if errors.Is(err, git.ErrNotExist) || err == nil && digestOf(m, wants) == done {
			return time.Time{}
		}
	}
	s.mu.Lock()
	w.begun, w.asked = true, true
	s.mu.Unlock()
	s.rounds.Go(func() { s.alone(ctx, m, w) })
	return time.Time{}
}

// alone sends without anybody who waits for it.
func (s *Sender) alone(ctx context.Context, m *rules.Remote, w *working) {
	sent, err := s.send(ctx, m, Sent{})
	s.mu.Lock()
	defer s.mu.Unlock()
	w.begun = false
	if ctx.Err() != nil {
		return // the next server does it
	}
	if err == nil && len(sent.Unsent) == 0 {
		w.retries = retry{}
		return
	}
	wait := min(max(2*w.retries.wait, leastSendRetry), mostSendRetry)
	w.retries = retry{at: time.Now().Add(wait), wait: wait}
	s.RulesMoved() // which has it seen when that is
}

// wants are the refs that a remote is to have now. The error is git.ErrNotExist while there is
// no repository.
func (s *Sender) wants(ctx context.Context, m *rules.Remote) (wants []git.Ref, waits []name.Branch, err error) {
	repo, err := s.k.config.Repos.Open(m.Repo)
	if err != nil {
		return nil, nil, err
	}
	var refs []git.Ref
	for _, prefix := range []string{name.BranchPrefix, tagRefs, recordRefs} {
		found, err := repo.Refs(ctx, prefix)
		if err != nil {
			return nil, nil, err
		}
		refs = append(refs, found...)
	}
	wants, waits = wanted(m, refs, s.k.config.Apps(m.Repo))
	return wants, waits, nil
}

// work returns what goes on with a remote. s.mu is held.
func (s *Sender) work(m *rules.Remote) *working {
	w := s.working[keyOf(m)]
	if w == nil {
		w = &working{turn: make(chan struct{}, 1)}
		s.working[keyOf(m)] = w
	}
	return w
}

// state returns how a remote does. s.mu is held.
func (s *Sender) state(m *rules.Remote) RemoteState {
	if known := s.states[m.Repo][m.Name]; known != nil {
		return known.copy()
	}
	return RemoteState{}
}

// States tells how the remotes of a repository do.
func (s *Sender) States(repo name.Repo) []RemoteState {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []RemoteState
	for _, m := range s.k.config.Rules().RemotesOf(repo) {
		state := s.state(m)
		state.Name, state.URL, state.Setup, state.Posted = m.Name, m.URL, sentSetupOf(m), nil
		list = append(list, state)
	}
	return list
}

// change changes the state of a remote, and keeps it.
func (s *Sender) change(m *rules.Remote, how func(state *RemoteState)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.states[m.Repo]
	if of == nil {
		of = map[string]*RemoteState{}
		s.states[m.Repo] = of
	}
	state := of[m.Name]
	if state == nil {
		state = &RemoteState{}
		of[m.Name] = state
	}
	before := state.copy().kept()
	how(state)
	if !reflect.DeepEqual(before, state.kept()) {
		s.keep()
	}
}

// forget drops what was known of remotes that are none any more.
func (s *Sender) forget() {
	now := s.k.config.Rules()
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := false
	for repo, of := range s.states {
		for remote := range of {
			if remoteNamed(now, repo, remote) == nil {
				delete(of, remote)
				moved = true
			}
		}
		if len(of) == 0 {
			delete(s.states, repo)
		}
	}
	for key, w := range s.working {
		if !w.begun && remoteNamed(now, key.repo, key.name) == nil {
			delete(s.working, key)
		}
	}
	if moved {
		s.keep()
	}
}

// keep writes the states. s.mu is held.
func (s *Sender) keep() {
	kept := make(map[name.Repo]map[string]RemoteState, len(s.states))
	for repo, of := range s.states {
		kept[repo] = map[string]RemoteState{}
		for remote, state := range of {
			if state != nil {
				kept[repo][remote] = state.kept()
			}
		}
	}
	err := s.k.config.Fence()
	if err == nil {
		err = writeStates(s.file, kept)
	}
	if err != nil {
		s.k.config.Log.WithError(err).Warn("remotes: the states of remotes are not kept")
	}
}

// names are the names of remotes, for who has named another.
func (s *Sender) names(repo name.Repo) string {
	var words []string
	for _, m := range s.k.config.Rules().RemotesOf(repo) {
		words = append(words, m.Name)
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
