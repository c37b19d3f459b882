package sshd

import "sync/atomic"

// Counts are what goes on at the door, and has gone on since it was made.
type Counts struct {
	Connections     int // open
	Unauthenticated int // of them, those that have not logged in
	Git, Command    Sessions
	Logins          int64 // keys that were accepted
	Refusals        int64 // connections that did not log in, those without a word apart
}

// Sessions counts sessions of one kind.
type Sessions struct{ Running, Begun int64 }

// counts is what Counts is read from.
type counts struct {
	git, command     sessionCounts
	logins, refusals atomic.Int64
}

type sessionCounts struct{ running, begun atomic.Int64 }

// begin counts a session. Call end when it has ended.
func (c *sessionCounts) begin() (end func()) {
	c.begun.Add(1)
	c.running.Add(1)
	return func() { c.running.Add(-1) }
}

func (c *sessionCounts) read() Sessions { return Sessions{c.running.Load(), c.begun.Load()} }

// Counts returns what goes on, and has gone on.
func (s *Server) Counts() Counts {
	c := s.config.counts
	all := Counts{Git: c.git.read(), Command: c.command.read(), Logins: c.logins.Load(), Refusals: c.refusals.Load()}
	all.Connections, all.Unauthenticated = s.turnstile.count()
	return all
}

// count returns how many connections are open, and how many of them have not logged in.
func (t *turnstile) count() (open, unknown int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open, t.unknown
}
