// Package sshd is the SSH door: it turns a verified public key into an
// access.Caller, and a session into a call of one of two handlers, one for
// Git's services and one for every other command.
//
// It is built on gliderlabs/ssh for connections and has a session layer of its own,
// because that library's has no limits (on sessions, environment, time before the
// login), shows keys before they are verified, ends the process when a handler panics,
// and stops reading requests when nobody takes a signal. This package handles each of
// these, with a test named after it.
//
// The package knows nothing about repositories and verbs: it passes a path and words on
// as they came, within the limits of ParseCommand.
package sshd

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// Handlers do the work of sessions. Their context lives as long as the server lets work
// go on: it is cancelled when a Shutdown runs out of time, and never because a client
// went away (see Session.Gone for that). Each returns the exit status of the session, 0
// to 255. A handler that panics ends its session with status 255 and nothing else.
type Handlers struct {
	// Git serves one of Git's services. service is one of the Service constants; path
	// is the client's path without one leading slash, neither checked nor cleaned.
	Git func(ctx context.Context, s *Session, service, path string) int
	// Command runs any other command. Without args, it greets.
	Command func(ctx context.Context, s *Session, args []string) int
}

// Keys knows the owners of keys. It is asked about every key that is offered, again at
// the start of every session, so that a removed or expired key opens nothing more, and
// again and again while a session runs.
type Keys interface {
	// Identify returns whose key it is that is used from an address. The error says why
	// it opens nothing; it is logged, and told to whoever has the key.
	Identify(key ssh.PublicKey, remote net.Addr) (access.Operator, error)
}

// Config has the parts and the limits of a Server.
type Config struct {
	// HostKeys identify the server; at least one is required (LoadOrCreateHostKey).
	HostKeys []ssh.Signer
	// Keys is required.
	Keys Keys
	// Handlers are required, both.
	Handlers Handlers
	// Log is required. fail2ban should match its lines that begin with "ssh: refused
	// ADDRESS port PORT: ".
	Log *logrus.Entry
	// Trail is the audit trail; nil: none.
	Trail Trail

	// Advertise is the address by which clients reach the server, where a proxy or a
	// published port hides it; zero parts are taken from each connection.
	Advertise Address

	Limits

	// KeepAlive is the time between keepalive@openssh.com requests; 0: 20 s. A client
	// is considered gone after KeepAliveMisses of them without a sign of life.
	KeepAlive time.Duration
	// KeepAliveMisses is the number of unanswered requests; 0: 3.
	KeepAliveMisses int

	// KeyCheck is the time between two checks of whether the key of a running session
	// still opens the server; 0: 500 ms. A session whose key does not ends.
	KeyCheck time.Duration

	// MaxAuthTries is the number of keys that a client may offer; 0: 6, as in OpenSSH.
	MaxAuthTries int

	// KillGrace is how long Shutdown waits for handlers after it cancelled
	// their context; 0: 5 s.
	KillGrace time.Duration

	counts *counts // of the server; made by withDefaults
}

// Limits can change while a server serves, see Server.Change.
type Limits struct {
	// HandshakeTimeout is the time for a client from connecting to logging in; 0: 30 s.
	// It bounds clients that connect and stay silent (CVE-2026-52814).
	HandshakeTimeout time.Duration
	// IdleTimeout is how long a connection may be open without a running session, and
	// how long a running session may take no byte of its output; 0: 10 min. Git is
	// silent for a minute and longer, so less than 60 s disturbs pushes.
	IdleTimeout time.Duration

	// MaxConnections is for all clients; 0: 1024. A connection counts until
	// its last handler has returned.
	MaxConnections int
	// MaxPerAddress is for one IPv4 address or IPv6 /64; 0: 64. Raise it where
	// a proxy hides the clients' addresses.
	MaxPerAddress int
	// MaxUnauthenticated is for connections that have not logged in yet, from all
	// clients; 0: 128. It corresponds to OpenSSH's MaxStartups. A further connection is
	// not turned away, but replaces another one, see turnstile.
	MaxUnauthenticated int
	// MaxUnauthenticatedPerAddress is for those of one address; 0: 16.
	MaxUnauthenticatedPerAddress int
	// MaxSessions is for the sessions of one connection; 0: 10, as in OpenSSH.
	MaxSessions int
}

// withDefaults returns the configuration with every zero value replaced.
func (c Config) withDefaults() Config {
	if c.Trail == nil {
		c.Trail = noTrail{}
	}
	if c.counts == nil {
		c.counts = &counts{}
	}
	setDefault(&c.HandshakeTimeout, 30*time.Second)
	setDefault(&c.IdleTimeout, 10*time.Minute)
	setDefault(&c.KeepAlive, 20*time.Second)
	setDefault(&c.KeepAliveMisses, 3)
	setDefault(&c.KeyCheck, 500*time.Millisecond)
	setDefault(&c.MaxConnections, 1024)
	setDefault(&c.MaxPerAddress, 64)
	setDefault(&c.MaxUnauthenticated, 128)
	setDefault(&c.MaxUnauthenticatedPerAddress, 16)
	setDefault(&c.MaxSessions, 10)
	setDefault(&c.MaxAuthTries, 6)
	setDefault(&c.KillGrace, 5*time.Second)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c Config) check() error {
	switch {
	case len(c.HostKeys) == 0:
		return errors.New("ssh server: no host key")
	case c.Keys == nil:
		return errors.New("ssh server: nobody knows the keys")
	case c.Handlers.Git == nil || c.Handlers.Command == nil:
		return errors.New("ssh server: a handler is missing")
	case c.Log == nil:
		return errors.New("ssh server: no log")
	case c.HandshakeTimeout < 0, c.IdleTimeout < 0, c.KeepAlive < 0, c.KeyCheck < 0, c.KeepAliveMisses < 0, c.KillGrace < 0,
		c.MaxConnections < 0, c.MaxPerAddress < 0, c.MaxUnauthenticated < 0, c.MaxUnauthenticatedPerAddress < 0,
		c.MaxSessions < 0, c.MaxAuthTries < 0:
		return errors.New("ssh server: a limit is negative")
	}
	return nil
}
