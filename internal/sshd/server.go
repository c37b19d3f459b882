package sshd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	gliderlabs "github.com/gliderlabs/ssh"
	"golang.org/x/crypto/ssh"
)

// version is everything that the server reveals of itself before the login.
const version = "Pushboat"

// ErrServerClosed is the error of Serve after Shutdown.
var ErrServerClosed = errors.New("ssh server closed")

// Server is the SSH door.
type Server struct {
	config    Config                 // at the start
	current   atomic.Pointer[Config] // of new connections, see Change
	turnstile *turnstile
	refusals  *refusals
	farewells *farewells

	work     context.Context // of the handlers
	stopWork context.CancelFunc

	mu        sync.Mutex
	closing   chan struct{} // closed by Shutdown
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	serving   sync.WaitGroup // connections
}

// New makes a server, which does not listen yet.
func New(config Config) (*Server, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	s := &Server{
		config:    config.withDefaults(),
		closing:   make(chan struct{}),
		listeners: map[net.Listener]struct{}{},
		conns:     map[*conn]struct{}{},
	}
	s.current.Store(&s.config)
	s.turnstile = newTurnstile(s.config)
	s.refusals = &refusals{log: s.config.Log}
	s.farewells = newFarewells()
	s.work, s.stopWork = context.WithCancel(context.Background())
	return s, nil
}

// Change sets the limits, and the advertised address, for connections that are made
// from now on. Open ones keep theirs, and count.
func (s *Server) Change(limits Limits, advertise Address) error {
	next := s.config
	next.Limits, next.Advertise = limits, advertise
	if err := next.check(); err != nil {
		return err
	}
	next = next.withDefaults()
	s.current.Store(&next)
	s.turnstile.bound(next.Limits)
	return nil
}

// Fingerprints returns those of the host keys, SHA256:….
func (s *Server) Fingerprints() []string {
	var all []string
	for _, key := range s.config.HostKeys {
		all = append(all, ssh.FingerprintSHA256(key.PublicKey()))
	}
	return all
}

// Serve accepts connections from l until Shutdown, when it returns ErrServerClosed, or
// until l fails. It closes l. It may be called for several listeners.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.listen(l) {
		return ErrServerClosed
	}
	defer s.unlisten(l)
	for failures := 0; ; {
		nc, err := l.Accept()
		switch {
		case err == nil:
			failures = 0
			if !s.Take(nc) {
				_ = nc.Close() // nothing was said on it
			}
		case s.isClosing():
			return ErrServerClosed
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept ssh connections: %w", err)
		default: // mostly too many open files, which passes
			failures++
			s.config.Log.WithError(err).Error("ssh: accept a connection")
			s.pause(failures)
		}
	}
}

// pause waits after a failed accept: from 10 ms up to 1 s.
func (s *Server) pause(failures int) {
	timer := time.NewTimer(min(time.Duration(failures)*10*time.Millisecond, time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closing:
	}
}

func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing() {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) unlisten(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

func (s *Server) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// madeRoom is the reason for closing a connection that had not logged in for another.
const madeRoom = "made room for another connection before it had logged in"

// Take serves a connection, or turns it away. It is false once Shutdown has begun: then
// nothing was read from the connection or written to it, and it is still the caller's.
func (s *Server) Take(nc net.Conn) bool {
	if !s.begin() {
		return false
	}
	p, out, refusal := s.turnstile.admit(nc.RemoteAddr())
	if refusal != "" {
		s.refusals.note(nc.RemoteAddr(), "turned away: "+refusal)
		s.farewells.say(nc, refusal+", try again later")
		s.serving.Done()
		return true
	}
	if out != nil {
		s.refusals.note(out.RemoteAddr(), madeRoom)
		out.closeBecause(madeRoom)
	}
	c := newConn(nc, s.current.Load(), p)
	s.track(c)
	go s.serve(c)
	return true
}

// begin counts a connection, unless Shutdown has begun.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing() {
		return false
	}
	s.serving.Add(1)
	return true
}

// track registers a connection that is served. If Shutdown has begun since, it counts as
// one that came before.
func (s *Server) track(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
	if s.isClosing() {
		c.drain()
	}
}

// serve handles a connection, from the first byte until its last handler has returned.
func (s *Server) serve(c *conn) {
	defer s.serving.Done()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
	}()
	defer c.pass.giveBack()
	defer c.handlers.Wait()
	defer c.Close()
	defer c.contain("connection")
	s.library(c).HandleConn(c)
	c.ended()
}

// library returns gliderlabs/ssh configured for one connection. Each connection has its
// own, so that callbacks need not find out which one they are about.
func (s *Server) library(c *conn) *gliderlabs.Server {
	server := &gliderlabs.Server{
		Version: version,
		// Without this handler, the library would let everybody in.
		PublicKeyHandler: func(_ gliderlabs.Context, key gliderlabs.PublicKey) bool {
			return c.offeredKey(key)
		},
		ServerConfigCallback: func(gliderlabs.Context) *ssh.ServerConfig {
			return c.serverConfig()
		},
		ConnectionFailedCallback: func(_ net.Conn, err error) { c.failed(err) },
		// Without other handlers here, every other kind of channel is refused: port
		// forwarding, X11, agents. So is every global request.
		ChannelHandlers: map[string]gliderlabs.ChannelHandler{
			"session": func(_ *gliderlabs.Server, sc *ssh.ServerConn, channel ssh.NewChannel, _ gliderlabs.Context) {
				s.session(c, sc, channel)
			},
		},
	}
	for _, key := range s.config.HostKeys {
		server.AddHostKey(key)
	}
	return server
}

// contain recovers from a panic: one connection is lost, not the server.
func (c *conn) contain(where string) {
	if cause := recover(); cause != nil {
		c.log.WithField("stack", string(debug.Stack())).Errorf("ssh: panic in %s: %v", where, cause)
		_ = c.Close() // the cause has been logged
	}
}

// Shutdown stops accepting connections, and waits for running sessions, and for farewells
// (see farewellTimeout). Connections that have had no session yet may begin one, see
// arrivalTimeout. If ctx ends first, it cancels their context, closes every connection,
// gives the handlers Config.KillGrace to return, and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.close()
	ended := make(chan struct{})
	go func() {
		s.serving.Wait()
		s.farewells.end()
		close(ended)
	}()
	select {
	case <-ended:
		s.stopWork()
		return nil
	case <-ctx.Done():
	}
	s.stopWork()
	for _, c := range s.open() {
		c.closeBecause("the server is shutting down")
	}
	timer := time.NewTimer(s.config.KillGrace)
	defer timer.Stop()
	select {
	case <-ended:
		return fmt.Errorf("ssh sessions were cut off: %w", ctx.Err())
	case <-timer.C:
		return fmt.Errorf("ssh sessions of %d connections did not end: %w", len(s.open()), ctx.Err())
	}
}

func (s *Server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosing() {
		return
	}
	close(s.closing)
	for l := range s.listeners {
		l.Close()
	}
	for c := range s.conns {
		c.drain()
	}
}

func (s *Server) open() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*conn
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}
