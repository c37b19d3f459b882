package worker

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/sirupsen/logrus"
)

// Pool keeps a child warm, so that a push does not wait for one to start: a program of
// this size takes 60 to 100 ms. It bounds the number of children, including the warm
// one.
type Pool struct {
	program []string
	limits  Limits
	log     *logrus.Entry
	turns   *queue

	mu      sync.Mutex
	spare   *process
	warming chan struct{} // closed when the spare exists; nil if none is being started
	closed  bool
	shared  bool // the machine allows a child no network of its own
}

// NewPool returns a pool of children, each started with a command line such as that of
// Program. The first starts on demand, or by Warm. There are at most DefaultChildren,
// unless Bound sets another number.
func NewPool(program []string, limits Limits, log *logrus.Entry) *Pool {
	return &Pool{program: program, limits: limits, log: log, turns: &queue{most: DefaultChildren, taken: map[string]int{}}}
}

// Bound sets the maximum number of children, at least one. Running sessions keep
// theirs.
func (p *Pool) Bound(children int) { p.turns.bound(max(1, children)) }

// Load returns how many sessions have a child, and how many wait for one.
func (p *Pool) Load() (busy, waiting int) { return p.turns.load() }

// Warm starts a spare child in the background, unless there is one.
func (p *Pool) Warm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.spare != nil || p.warming != nil || len(p.program) == 0 || p.turns.full() {
		return
	}
	done := make(chan struct{})
	p.warming = done
	go func() {
		defer close(done)
		child, err := p.start()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.warming = nil
		switch {
		case err != nil:
			p.log.WithError(err).Warn("render: no spare renderer")
		case p.closed:
			child.end()
		default:
			p.spare = child
		}
	}()
}

// Close ends the spare child. Sessions end their own.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	spare, warming := p.spare, p.warming
	p.spare = nil
	p.mu.Unlock()
	if warming != nil {
		<-warming
	}
	if spare != nil {
		spare.end()
	}
}

// take returns the spare child, or a new one.
func (p *Pool) take() (*process, error) {
	p.mu.Lock()
	warming := p.warming
	p.mu.Unlock()
	if warming != nil {
		<-warming
	}
	p.mu.Lock()
	spare := p.spare
	p.spare = nil
	p.mu.Unlock()
	if spare != nil {
		return spare, nil
	}
	return p.start()
}

// errNoProgram is the error of a pool that computes nothing.
var errNoProgram = errors.New("there is no program to render with")

// start starts a child with a network of its own or, once the machine has refused that,
// without.
func (p *Pool) start() (*process, error) {
	if len(p.program) == 0 {
		return nil, errNoProgram
	}
	p.mu.Lock()
	isolate := !p.shared && isolated() != nil
	p.mu.Unlock()
	child, err := start(p.program, p.limits, isolate)
	if err == nil || !isolate {
		return child, err
	}
	child, plainly := start(p.program, p.limits, false)
	if plainly != nil {
		return nil, err
	}
	p.mu.Lock()
	first := !p.shared
	p.shared = true
	p.mu.Unlock()
	if first {
		p.log.WithError(err).Info("render: this machine allows no user namespaces; renderers share its network, which they have no code to use")
	}
	return child, nil
}

// Session runs the jobs of one revision, one after the other in one child. No other
// repository gets that child, which could read what a job left in its memory. Its
// methods are not safe for concurrent use.
type Session struct {
	pool  *Pool
	owner string
	told  func(Wait)
	child *process
	turn  bool // it has a turn, and so may have a child
	used  bool
}

// Session returns a session for an owner; children are shared fairly among owners. The
// first job takes the session's child, and a turn that lasts until Close. told is
// called when a job has to wait for its turn; it may be nil.
func (p *Pool) Session(owner string, told func(Wait)) *Session {
	return &Session{pool: p, owner: owner, told: told}
}

// Do runs a job on the files of a revision. The error is that of the process (ErrLimit,
// ErrCrashed, or the end of ctx), never of the rendered content.
func (s *Session) Do(ctx context.Context, fsys fs.FS, job []byte) ([]byte, error) {
	s.used = true
	if err := s.takeTurn(ctx); err != nil {
		return nil, err
	}
	if s.child == nil {
		child, err := s.pool.take()
		if err != nil {
			return nil, err
		}
		s.child = child
	}
	output, more, err := s.child.do(ctx, fsys, job)
	if err != nil || !more {
		s.drop()
	}
	return output, err
}

func (s *Session) takeTurn(ctx context.Context) error {
	if s.turn {
		return nil
	}
	err := s.pool.turns.take(ctx, s.owner, s.told)
	s.turn = err == nil
	return err
}

func (s *Session) drop() {
	s.child.end()
	s.child = nil
}

// Close ends the child, if there was one, and starts the next spare.
func (s *Session) Close() {
	if s.child != nil {
		s.drop()
	}
	if s.turn {
		s.pool.turns.release(s.owner)
		s.turn = false
	}
	if s.used {
		s.pool.Warm()
	}
}
