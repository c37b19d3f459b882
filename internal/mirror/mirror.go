// Package mirror fetches repositories that live elsewhere. Upstream is asked on a schedule, and
// at once when a webhook comes. What it has that is new goes through the gate as a push does:
// a branch moves only to a revision that the gate accepts, and what was deployed last stays
// where it refuses one. Git has the truth: a mirror compares the branches here with those of
// upstream each time, so a server that was killed anywhere goes on from there.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/notify/reach"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/report"
)

// Settings are those that a reload changes.
type Settings struct {
	Reach  reach.Reach   // the way out, and the addresses that are allowed although they are not public
	Files  string        // the directory with keys, tokens and secrets; "": none may be named
	Within time.Duration // bounds one fetch

	sealed *vault // the keeper's
}

// Gate judges what was fetched. Package push has it.
type Gate interface {
	Land(ctx context.Context, l push.Landing, gone <-chan struct{}, out io.Writer) push.Landed
}

// Config is what a keeper works with. Every field is required.
type Config struct {
	File  string // where states are kept
	Repos *git.Store
	Gate  Gate
	Rules func() *rules.Rules
	Keys  Keys // of credentials that are encrypted in admin.git
	// Schedule has Due called for a repository by a schedule; "" ends that.
	Schedule func(repo name.Repo, spec string)
	Disk     func() error // an error while the server cannot store anything
	Fence    func() error // an error once another server has replaced this one
	// Apps returns how the apps of a repository do, and News is told when that may be other.
	Apps func(repo name.Repo) []deploy.Status
	News func() (<-chan struct{}, func())
	// Problems returns those of a refusal, and how many more there were; none if it is not kept any more.
	Problems func(refusal string) (problems []report.OutlinedProblem, more int)
	// Page returns the address of the page of a "refusal" or an "app"; "" if there is none.
	Page func(kind, id string) string
	Log  *logrus.Entry
}

// Limits of what goes on at once: a server with hundreds of mirrors asks a few upstreams at a
// time, and one host not all of them.
const (
	atOnce     = 4
	atOnceHost = 2
)

// Keeper keeps mirrors as their upstreams are.
type Keeper struct {
	config  Config
	current atomic.Pointer[Settings]
	sealed  *vault
	slots   chan struct{}
	ctx     context.Context // ends with Stop
	cancel  context.CancelFunc
	rounds  sync.WaitGroup
	telling sync.WaitGroup // forges

	mu      sync.Mutex
	states  map[name.Repo]*State
	entries map[name.Repo]*entry
	hosts   map[string]chan struct{}
	stopped bool
}

// entry is what goes on with one mirror.
type entry struct {
	turn    chan struct{} // holds one while a round goes on
	wanted  bool          // a round is to begin
	working bool          // somebody sees to it
	mirror  *rules.Mirror // as it was scheduled; nil: it is none any more
	knock   *time.Timer   // a webhook that waits; nil: none
	heard   time.Time     // the last webhook
	refused map[name.Branch]judged
}

// New makes a keeper. Start begins its work.
func New(config Config, settings Settings) *Keeper {
	k := &Keeper{
		config: config, slots: make(chan struct{}, atOnce), entries: map[name.Repo]*entry{}, hosts: map[string]chan struct{}{},
		sealed: &vault{keys: config.Keys},
	}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.Configure(settings)
	var err error
	if k.states, err = readStates[*State](config.File); err != nil {
		config.Log.WithError(err).Error("mirror: what was known of upstreams is lost, also the keys of their hosts; they are asked anew")
	}
	maps.DeleteFunc(k.states, func(_ name.Repo, s *State) bool { return s == nil })
	return k
}

// Configure changes the settings.
func (k *Keeper) Configure(settings Settings) { k.current.Store(&settings) }

func (k *Keeper) settings() Settings {
	s := *k.current.Load()
	s.sealed = k.sealed
	return s
}

// Start asks every upstream once, begins the schedules, and has forges told of commits.
func (k *Keeper) Start() {
	k.RulesMoved()
	k.telling.Go(func() { k.tellForges(k.ctx) })
}

// Stop ends what goes on, and returns when nothing does. What the gate has accepted is moved.
func (k *Keeper) Stop() {
	k.mu.Lock()
	k.stopped = true
	for _, e := range k.entries {
		if e.knock != nil {
			e.knock.Stop()
		}
	}
	k.mu.Unlock()
	k.cancel()
	k.rounds.Wait()
	k.telling.Wait()
}

// RulesMoved takes up the mirrors of the rules in force. Those that are new, or other than
// before, are asked at once.
func (k *Keeper) RulesMoved() {
	now := k.config.Rules()
	var fresh []*rules.Mirror
	var gone []name.Repo
	k.mu.Lock()
	for _, m := range now.Mirrors() {
		e := k.entry(m.Repo)
		if e.mirror != nil && reflect.DeepEqual(e.mirror, m) {
			continue
		}
		e.mirror, fresh = m, append(fresh, m)
	}
	for repo, e := range k.entries {
		if e.mirror != nil && now.Mirror(repo) == nil {
			e.mirror, gone = nil, append(gone, repo)
		}
	}
	k.mu.Unlock()
	for _, repo := range gone {
		k.config.Schedule(repo, "")
	}
	for _, m := range fresh {
		k.config.Schedule(m.Repo, scheduleOf(m))
		k.Wake(m.Repo)
	}
	k.forget(now)
	k.sealed.forget(now)
}

func scheduleOf(m *rules.Mirror) string {
	if m.Schedule == "" {
		return rules.DefaultMirrorSchedule
	}
	return m.Schedule
}

// forget drops the states of what is no mirror any more.
func (k *Keeper) forget(now *rules.Rules) {
	k.mu.Lock()
	defer k.mu.Unlock()
	moved := false
	for repo := range k.states {
		if now.Mirror(repo) == nil {
			delete(k.states, repo)
			moved = true
		}
	}
	if moved {
		k.keep()
	}
}

// entry returns the entry of a repository. k.mu is held.
func (k *Keeper) entry(repo name.Repo) *entry {
	e := k.entries[repo]
	if e == nil {
		e = &entry{turn: make(chan struct{}, 1)}
		k.entries[repo] = e
	}
	return e
}

// Due asks an upstream by its schedule.
func (k *Keeper) Due(repo name.Repo, _ time.Time) { k.Wake(repo) }

// Wake has an upstream asked soon, once however often it is called until then.
func (k *Keeper) Wake(repo name.Repo) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stopped || k.config.Rules().Mirror(repo) == nil {
		return
	}
	e := k.entry(repo)
	e.wanted = true
	if e.working {
		return
	}
	e.working = true
	k.rounds.Go(func() { k.work(repo, e) })
}

// work asks an upstream as long as somebody wants that.
func (k *Keeper) work(repo name.Repo, e *entry) {
	for k.wanted(e) {
		m := k.config.Rules().Mirror(repo)
		if m == nil {
			continue
		}
		if err := k.alone(m).run(k.ctx); err != nil && k.ctx.Err() == nil {
			k.config.Log.WithField("repository", repo).Warnf("mirror: %s", explain(err))
		}
	}
}

// alone is a round that nobody waits for.
func (k *Keeper) alone(m *rules.Mirror) *round {
	return &round{keeper: k, mirror: m, caller: access.System("mirror"), out: io.Discard, rewrite: m.Follow, options: []string{"detach"}}
}

// wanted reports whether a round is to begin, and takes the wish.
func (k *Keeper) wanted(e *entry) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !e.wanted || k.stopped {
		e.working = false
		return false
	}
	e.wanted = false
	return true
}

// knocked has an upstream asked for a webhook, and no more often than hookEvery.
func (k *Keeper) knocked(repo name.Repo) {
	k.mu.Lock()
	e := k.entry(repo)
	now := time.Now()
	wait := hookEvery - now.Sub(e.heard)
	if e.knock != nil || k.stopped {
		k.mu.Unlock()
		return
	}
	if wait > 0 && !e.heard.IsZero() {
		e.knock = time.AfterFunc(wait, func() {
			k.mu.Lock()
			e.knock, e.heard = nil, time.Now()
			k.mu.Unlock()
			k.Wake(repo)
		})
		k.mu.Unlock()
		return
	}
	e.heard = now
	k.mu.Unlock()
	k.Wake(repo)
}

// State tells how a mirror does; ok is false if the repository is none.
func (k *Keeper) State(repo name.Repo) (state State, ok bool) {
	m := k.config.Rules().Mirror(repo)
	if m == nil {
		return State{}, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.states[repo]; s != nil {
		state = s.copy()
	}
	state.URL, state.Setup = m.URL, setupOf(m)
	return state, true
}

// change changes the state of a mirror, and keeps it.
func (k *Keeper) change(repo name.Repo, how func(s *State)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.states[repo]
	if s == nil {
		s = &State{}
		k.states[repo] = s
	}
	before := s.copy().kept()
	how(s)
	if !reflect.DeepEqual(before, s.kept()) {
		k.keep()
	}
}

// keep writes the states. k.mu is held.
func (k *Keeper) keep() {
	kept := make(map[name.Repo]State, len(k.states))
	for repo, s := range k.states {
		kept[repo] = s.kept()
	}
	err := k.config.Fence()
	if err == nil {
		err = writeStates(k.config.File, kept)
	}
	if err != nil {
		k.config.Log.WithError(err).Warn("mirror: the states of mirrors are not kept")
	}
}

// Asking is a fetch that somebody has asked for.
type Asking struct {
	Repo          name.Repo
	Caller        access.Caller
	Options       []string // as of git push -o
	Rewrite       bool     // a rewritten history is taken over
	AcceptHostKey bool     // whichever key the host shows is its key from now on
	Gone          <-chan struct{}
	Fill          func(text string) string
}

// ErrNoMirror is of a repository that is no mirror.
var ErrNoMirror = errors.New("the repository is no mirror")

// Outcome is what became of a fetch that somebody has asked for.
type Outcome struct {
	Moved   []name.Branch // to what upstream has
	Refused []name.Branch // and tags, by their full names
	Tags    []name.Tag    // that were taken
	Failed  bool          // a deploy did not end well
}

// Fetch asks an upstream now, and writes what a pusher would see.
func (k *Keeper) Fetch(ctx context.Context, a Asking, out io.Writer) (Outcome, error) {
	m := k.config.Rules().Mirror(a.Repo)
	if m == nil {
		return Outcome{}, ErrNoMirror
	}
	r := &round{
		keeper: k, mirror: m, caller: a.Caller, out: out, options: a.Options, rewrite: a.Rewrite || m.Follow,
		accept: a.AcceptHostKey, gone: a.Gone, fill: a.Fill, asked: true,
	}
	err := k.during(ctx, r.run)
	return r.outcome, told(m, err)
}

// during runs what the server's stop waits for, and ends.
func (k *Keeper) during(ctx context.Context, run func(ctx context.Context) error) error {
	k.mu.Lock()
	if k.stopped {
		k.mu.Unlock()
		return errors.New("the server is about to stop")
	}
	k.rounds.Add(1)
	k.mu.Unlock()
	defer k.rounds.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(k.ctx, cancel)()
	return run(ctx)
}

// told is an error for who has asked, with the next thing to try.
func told(m *rules.Mirror, err error) error {
	if err == nil {
		return nil
	}
	hint := "see how the mirror does: ssh HOST repo info " + string(m.Repo)
	if setup, ok := errors.AsType[*setupError](err); ok {
		hint = setup.hint
	}
	return report.WithHint(fmt.Errorf("fetch %s from %s: %s", m.Repo, m.URL, explain(err)), "%s", hint)
}
