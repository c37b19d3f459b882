package sshd

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// master starts ssh -M in the background and returns its socket.
func (ts *testServer) master(p person) string {
	ts.t.Helper()
	dir, err := os.MkdirTemp("", "ssh") // short: a unix socket's path has 100 bytes
	if err != nil {
		ts.t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	cmd := ts.openSSH(p, []string{"-M", "-N", "-S", socket})
	if err := cmd.Start(); err != nil {
		ts.t.Fatal(err)
	}
	ts.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	})
	eventually(ts.t, "ssh's master socket", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	return socket
}

// silence reads until the server closes the connection.
func silence(t *testing.T, nc net.Conn) string {
	t.Helper()
	nc.SetReadDeadline(time.Now().Add(patience))
	all, err := io.ReadAll(nc)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the server keeps the connection")
	}
	return string(all)
}

func TestSilentClientIsClosedAtTheDeadline(t *testing.T) {
	ts := start(t, func(c *Config) { c.HandshakeTimeout = 50 * time.Millisecond })
	for name, say := range map[string]string{
		"nothing": "", "half a version": "SSH-2.0-x", "a version": "SSH-2.0-x\r\n",
		"half a packet": "SSH-2.0-x\r\n\x00\x00\x01\x00",
	} {
		nc, err := net.Dial("tcp", ts.addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(nc, say)
		silence(t, nc)
		nc.Close()
		eventually(t, name+" in the log", func() bool {
			last := ts.log.LastEntry()
			return last != nil && strings.HasPrefix(last.Message, "ssh: refused 127.0.0.1 port ") &&
				strings.HasSuffix(last.Message, ": not logged in after 50ms")
		})
		ts.log.Reset()
	}
}

// TestDrippingClientIsClosedAtTheDeadline: bytes must not move the deadline.
func TestDrippingClientIsClosedAtTheDeadline(t *testing.T) {
	ts := start(t, func(c *Config) { c.HandshakeTimeout = 100 * time.Millisecond })
	nc, err := net.Dial("tcp", ts.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, "SSH-2.0-")
	eventually(t, "the end of a client that sends a byte a millisecond", func() bool {
		_, err := io.WriteString(nc, "x")
		return err != nil
	})
}

func TestHealthChecksAreNotLogged(t *testing.T) {
	ts := start(t, nil)
	nc, err := net.Dial("tcp", ts.addr)
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	eventually(t, "the end of the connection", func() bool { return len(ts.open()) == 0 })
	if ts.logged("refused") {
		t.Error("a client that said nothing is logged as an attack")
	}
}

func TestConnectionsOfAnAddressAreLimited(t *testing.T) {
	ts := start(t, func(c *Config) { c.MaxPerAddress = 2 })
	first, _ := ts.client(ts.ana), ts.client(ts.ana)
	nc, err := net.Dial("tcp", ts.addr)
	if err != nil {
		t.Fatal(err)
	}
	if got := silence(t, nc); got != "too many connections from this address, try again later\r\n" {
		t.Errorf("the third is told %q", got)
	}
	if !ts.logged("ssh: turned away: too many connections from this address") {
		t.Error("the log has no word of it")
	}
	first.Close()
	eventually(t, "the place of the first", func() bool {
		client, err := ts.dial(ts.ana)
		if err == nil {
			client.Close()
		}
		return err == nil
	})
}

func TestConnectionsWithoutALoginAreLimited(t *testing.T) {
	ts := start(t, func(c *Config) { c.MaxUnauthenticatedPerAddress = 2 })
	var silent []net.Conn
	for range 2 {
		nc, err := net.Dial("tcp", ts.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		bufio.NewReader(nc).ReadString('\n') // the server has counted it
		silent = append(silent, nc)
	}
	if _, err := ts.dial(ts.ana); err == nil {
		t.Error("a third connection got in")
	}
	silent[0].Close()
	for range 5 { // those that logged in do not count
		eventually(t, "a place", func() bool {
			client, err := ts.dial(ts.ana)
			if err == nil {
				t.Cleanup(func() { client.Close() })
			}
			return err == nil
		})
	}
}

func TestTurnstile(t *testing.T) {
	limits := Config{MaxConnections: 5, MaxPerAddress: 3, MaxUnauthenticated: 4, MaxUnauthenticatedPerAddress: 2}
	ts := newTurnstile(limits)
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }
	enter := func(ip, want string) *pass {
		t.Helper()
		p, refusal := ts.enter(at(ip))
		if refusal != want {
			t.Fatalf("%s: %q, want %q", ip, refusal, want)
		}
		return p
	}
	a, b := enter("192.0.2.1", ""), enter("::ffff:192.0.2.1", "")
	enter("192.0.2.1", "too many connections from this address that have not logged in")
	a.loggedIn()
	a.loggedIn() // counts once
	c := enter("192.0.2.1", "")
	enter("192.0.2.1", "too many connections from this address")
	d := enter("2001:db8::1", "")
	e := enter("2001:db8::2", "") // the same /64
	enter("2001:db8:0:1::1", "too many connections")
	b.loggedIn()
	for _, p := range []*pass{a, b, c, d, e} {
		p.leave()
	}
	if ts.all != (count{}) || len(ts.perPlace) != 0 {
		t.Errorf("left over: %+v %v", ts.all, ts.perPlace)
	}
	for _, ip := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"} {
		enter(ip, "")
	}
	enter("192.0.2.5", "too many connections that have not logged in")
}

func TestIdleConnectionIsClosedAndABusyOneIsNot(t *testing.T) {
	ready, release := make(chan struct{}), make(chan struct{})
	ts := start(t, func(c *Config) {
		c.IdleTimeout = 500 * time.Millisecond
		c.Handlers.Command = func(context.Context, *Session, []string) int {
			close(ready)
			<-release
			return 7
		}
	})
	busy := session(t, ts.client(ts.ana))
	if err := busy.Start("hold"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	idle, withChannel := ts.client(ts.ana), ts.client(ts.ana)
	session(t, withChannel) // a session without a command is no work
	idle.Wait()
	withChannel.Wait()
	if !ts.logged("ssh: connection closed: idle for 500ms") {
		t.Error("the log has no word of it")
	}
	close(release)
	var exit *gossh.ExitError
	if err := busy.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 7 {
		t.Errorf("the busy session: %v", err)
	}
}

// freezer is a connection whose client stops reading, as when its machine
// vanishes: nothing is answered and nothing is closed.
type freezer struct {
	net.Conn
	mu     sync.Mutex
	frozen bool
	never  chan struct{}
}

func (f *freezer) Read(p []byte) (int, error) {
	f.mu.Lock()
	frozen := f.frozen
	f.mu.Unlock()
	if frozen {
		<-f.never
		return 0, net.ErrClosed
	}
	return f.Conn.Read(p)
}

func (f *freezer) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = true
}

func (ts *testServer) freezingClient(p person) (*gossh.Client, *freezer) {
	ts.t.Helper()
	nc, err := net.Dial("tcp", ts.addr)
	if err != nil {
		ts.t.Fatal(err)
	}
	f := &freezer{Conn: nc, never: make(chan struct{})}
	conn, channels, requests, err := gossh.NewClientConn(f, "", &gossh.ClientConfig{
		Auth: []gossh.AuthMethod{gossh.PublicKeys(p.signer)}, HostKeyCallback: gossh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		ts.t.Fatal(err)
	}
	client := gossh.NewClient(conn, channels, requests)
	ts.t.Cleanup(func() {
		close(f.never)
		client.Close()
	})
	return client, f
}

// TestVanishedClientDoesNotHoldItsHandler: a client stops reading amid a big
// output and is never heard of again.
func TestVanishedClientDoesNotHoldItsHandler(t *testing.T) {
	const size = 64 << 20 // more than windows and socket buffers hold
	ready, frozen, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	ts := start(t, func(c *Config) {
		c.KeepAlive = 200 * time.Millisecond
		c.Handlers.Command = func(_ context.Context, s *Session, _ []string) int {
			defer close(done)
			close(ready)
			<-frozen
			n, err := io.Copy(s, io.LimitReader(zeroes{}, size))
			if n != size || err != nil {
				t.Errorf("wrote %d bytes, %v; want all of them swallowed", n, err)
			}
			if !s.isGone() {
				t.Error("the session does not say that the client is gone")
			}
			return 0
		}
	})
	client, f := ts.freezingClient(ts.ana)
	s := session(t, client)
	if err := s.Start("flood"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	f.freeze()
	close(frozen)
	await(t, done, "the handler's end")
	eventually(t, "the connection's end", func() bool { return len(ts.open()) == 0 })
	if !ts.logged("ssh: connection closed: no answer to keepalives") {
		t.Error("the log has no word of it")
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

// TestQuietVanishedClientIsNoticed: nothing is written, only keepalives tell.
func TestQuietVanishedClientIsNoticed(t *testing.T) {
	ready := make(chan struct{})
	done := make(chan struct{})
	ts := start(t, func(c *Config) {
		c.KeepAlive = 200 * time.Millisecond
		c.Handlers.Command = func(_ context.Context, s *Session, _ []string) int {
			close(ready)
			<-s.Gone()
			close(done)
			return 0
		}
	})
	client, f := ts.freezingClient(ts.ana)
	if err := session(t, client).Start("wait"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	f.freeze()
	await(t, done, "the handler to be told")
}

// TestLivingClientAnswersKeepalives: more intervals pass than a silent client
// is given, and nothing happens.
func TestLivingClientAnswersKeepalives(t *testing.T) {
	const misses, beats = 100, 120
	asked := make(chan struct{}, 1000)
	release := make(chan struct{})
	ts := start(t, func(c *Config) {
		c.KeepAlive, c.KeepAliveMisses = 20*time.Millisecond, misses
		c.Handlers.Command = func(_ context.Context, s *Session, _ []string) int {
			<-release
			if s.isGone() {
				return 1
			}
			return 0
		}
	})
	nc, err := net.Dial("tcp", ts.addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, channels, requests, err := gossh.NewClientConn(nc, "", &gossh.ClientConfig{
		Auth: []gossh.AuthMethod{gossh.PublicKeys(ts.ana.signer)}, HostKeyCallback: gossh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	passed := make(chan *gossh.Request)
	go func() {
		for request := range requests {
			if request.Type == "keepalive@openssh.com" && request.WantReply {
				asked <- struct{}{}
			}
			request.Reply(false, nil)
		}
		close(passed)
	}()
	client := gossh.NewClient(conn, channels, passed)
	defer client.Close()
	s := session(t, client)
	if err := s.Start("wait"); err != nil {
		t.Fatal(err)
	}
	for range beats {
		await(t, asked, "a keepalive")
	}
	close(release)
	if err := s.Wait(); err != nil {
		t.Errorf("after %d keepalives: %v", beats, err)
	}
}

// TestClientThatTakesNoOutput answers keepalives but never reads its session.
func TestClientThatTakesNoOutput(t *testing.T) {
	done := make(chan struct{})
	ts := start(t, func(c *Config) {
		c.IdleTimeout = 500 * time.Millisecond
		c.Handlers.Command = func(_ context.Context, s *Session, _ []string) int {
			defer close(done)
			io.Copy(s, io.LimitReader(zeroes{}, 64<<20))
			return 0
		}
	})
	s := session(t, ts.client(ts.ana))
	if _, err := s.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start("flood"); err != nil {
		t.Fatal(err)
	}
	await(t, done, "the handler's end")
	eventually(t, "the log's word of it", func() bool {
		return ts.logged("ssh: connection closed: took no output for 500ms")
	})
}

func TestShutdownWaitsForRunningSessions(t *testing.T) {
	ready, release := make(chan struct{}), make(chan struct{})
	ts := start(t, func(c *Config) {
		c.Handlers.Command = func(ctx context.Context, s *Session, args []string) int {
			close(ready)
			<-release
			if ctx.Err() != nil {
				t.Errorf("the context of a session that may finish: %v", ctx.Err())
			}
			io.WriteString(s, "finished\n")
			return 9
		}
	})
	client, idle := ts.client(ts.ana), ts.client(ts.ana)
	s := session(t, client)
	var out strings.Builder
	s.Stdout = &out
	if err := s.Start("work"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	ended := make(chan error, 1)
	go func() { ended <- ts.Shutdown(context.Background()) }()
	await(t, ts.served, "Serve's return")
	idle.Wait() // a connection without work is closed at once
	if _, err := client.NewSession(); err == nil {
		t.Error("a new session during the shutdown")
	}
	if _, err := net.Dial("tcp", ts.addr); err == nil {
		t.Error("a new connection during the shutdown")
	}
	select {
	case err := <-ended:
		t.Fatalf("Shutdown did not wait: %v", err)
	default:
	}
	close(release)
	var exit *gossh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 9 || out.String() != "finished\n" {
		t.Errorf("the running session: %v, %q", err, out.String())
	}
	if err := <-ended; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := ts.Serve(newListener(t)); !errors.Is(err, ErrServerClosed) {
		t.Errorf("Serve afterwards: %v", err)
	}
}

func newListener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestShutdownThatRunsOutOfTime(t *testing.T) {
	ready := make(chan struct{})
	ts := start(t, func(c *Config) {
		c.Handlers.Command = func(ctx context.Context, _ *Session, _ []string) int {
			close(ready)
			<-ctx.Done()
			return 0
		}
	})
	client := ts.client(ts.ana)
	if err := session(t, client).Start("work"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := ts.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	client.Wait()
	if n := len(ts.open()); n != 0 {
		t.Errorf("%d connections are open", n)
	}
}

func TestShutdownDoesNotWaitForeverForAHandler(t *testing.T) {
	ready, release := make(chan struct{}), make(chan struct{})
	ts := start(t, func(c *Config) {
		c.KillGrace = 50 * time.Millisecond
		c.Handlers.Command = func(context.Context, *Session, []string) int {
			close(ready)
			<-release // it does not look at its context
			return 0
		}
	})
	if err := session(t, ts.client(ts.ana)).Start("work"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := ts.Shutdown(ctx)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "of 1 connections did not end") {
		t.Errorf("Shutdown: %v", err)
	}
	close(release)
	if err := ts.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown again: %v", err)
	}
}

// TestClosedConnectionDoesNotCancelWork: Git must come to its end.
func TestClosedConnectionDoesNotCancelWork(t *testing.T) {
	ready, done := make(chan struct{}), make(chan struct{})
	ts := start(t, func(c *Config) {
		c.Handlers.Git = func(ctx context.Context, s *Session, _, _ string) int {
			defer close(done)
			close(ready)
			<-s.Gone()
			if n, err := s.Write([]byte("report")); n != 6 || err != nil {
				t.Errorf("Write to nobody: %d, %v", n, err)
			}
			if n, err := s.Stderr().Write([]byte("report")); n != 6 || err != nil {
				t.Errorf("Stderr to nobody: %d, %v", n, err)
			}
			if ctx.Err() != nil {
				t.Errorf("the context ended with the connection: %v", ctx.Err())
			}
			return 0
		}
	})
	client := ts.client(ts.ana)
	if err := session(t, client).Start("git-receive-pack x"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	client.Close()
	await(t, done, "the handler's end")
}
