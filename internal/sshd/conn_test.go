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
	dir, err := os.MkdirTemp("", "ssh") // a short name: the path of a unix socket is limited to about 100 bytes
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

// TestDrippingClientIsClosedAtTheDeadline: bytes that trickle in must not extend the
// deadline.
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
		t.Error("a client that sent nothing is logged as an attack")
	}
}

func TestConnectionsOfAnAddressAreLimited(t *testing.T) {
	ts := start(t, func(c *Config) { c.MaxPerAddress = 2 })
	first, _ := ts.client(ts.ana), ts.client(ts.ana)
	nc, err := net.Dial("tcp", ts.addr)
	if err != nil {
		t.Fatal(err)
	}
	if got := silence(t, nc); !strings.HasPrefix(got, "SSH-2.0-Pushboat\r\n") ||
		!strings.Contains(got, "too many connections from this address, try again later") {
		t.Errorf("the third is told %q", got)
	}
	if out, err := ts.openSSH(ts.ana, nil, "whoami").CombinedOutput(); err == nil ||
		!strings.Contains(string(out), ":12: too many connections from this address, try again later") {
		t.Errorf("OpenSSH says %q, %v", out, err)
	}
	if _, err := ts.dial(ts.ana); err == nil || !strings.Contains(err.Error(), "too many connections from this address") {
		t.Errorf("another client says %v", err)
	}
	if !ts.logged("ssh: turned away: too many connections from this address") {
		t.Error("the log does not mention it")
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

// TestLimitsChange: new limits hold for new connections. Connections that are open stay
// open, and count.
func TestLimitsChange(t *testing.T) {
	ts := start(t, func(c *Config) { c.MaxPerAddress = 3 })
	ts.client(ts.ana)
	second := ts.client(ts.ana)
	if err := ts.Change(Limits{MaxPerAddress: 1}, Address{}); err != nil {
		t.Fatal(err)
	}
	if _, err := ts.dial(ts.ana); err == nil || !strings.Contains(err.Error(), "too many connections from this address") {
		t.Errorf("beyond the new limit: %v", err)
	}
	if _, err := second.NewSession(); err != nil {
		t.Errorf("a connection that was open before: %v", err)
	}
	if err := ts.Change(Limits{MaxPerAddress: 3}, Address{}); err != nil {
		t.Fatal(err)
	}
	ts.client(ts.ana)
	if err := ts.Change(Limits{MaxPerAddress: -1}, Address{}); err == nil {
		t.Error("a negative limit was accepted")
	}
}

// TestSilentConnectionsKeepNobodyOut: at the limit, the server closes the oldest connection
// that has not logged in.
func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	for name, limit := range map[string]func(*Config){
		"of an address": func(c *Config) { c.MaxUnauthenticatedPerAddress = 3 },
		"of all":        func(c *Config) { c.MaxUnauthenticated = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			ts := start(t, limit)
			var silent []net.Conn
			for range 3 {
				nc, err := net.Dial("tcp", ts.addr)
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				if _, err := bufio.NewReader(nc).ReadString('\n'); err != nil { // the server has counted it
					t.Fatal(err)
				}
				silent = append(silent, nc)
			}
			for range 2 { // connections that have logged in do not count
				client, err := ts.dial(ts.ana)
				if err != nil {
					t.Fatalf("an honest login: %v", err)
				}
				t.Cleanup(func() { client.Close() })
			}
			silence(t, silent[0])
			silent[1].SetReadDeadline(time.Now())
			if _, err := silent[1].Read(make([]byte, 1<<12)); errors.Is(err, io.EOF) {
				t.Error("the second silent connection is closed, too")
			}
			if !ts.logged("ssh: made room for another connection before it had logged in") || ts.logged("ssh: refused") {
				t.Error("the log should have one line in all, not one for each connection")
			}
		})
	}
}

func TestTurnstile(t *testing.T) {
	limits := Config{Limits: Limits{MaxConnections: 8, MaxPerAddress: 3, MaxUnauthenticated: 4, MaxUnauthenticatedPerAddress: 2}}
	ts := newTurnstile(limits)
	names := map[entrant]string{}
	enter := func(name, ip, refusal, out string) *pass {
		t.Helper()
		p, victim, why := ts.admit(&net.TCPAddr{IP: net.ParseIP(ip), Port: 1})
		if why != refusal || names[victim] != out {
			t.Fatalf("%s: refused %q, and %q has to go; want %q and %q", name, why, names[victim], refusal, out)
		}
		if p != nil {
			p.conn = &conn{}
			names[p.conn] = name
		}
		return p
	}
	a, b := enter("a", "192.0.2.1", "", ""), enter("b", "::ffff:192.0.2.1", "", "")
	a.conn.(*conn).heard.Store(1)
	c := enter("c", "192.0.2.1", "", "b") // a has sent something
	enter("", "192.0.2.1", "too many connections from this address", "")
	b.giveBack()
	c.conn.(*conn).heard.Store(1)
	d := enter("d", "192.0.2.1", "", "a") // all have sent something: a is the oldest
	c.loggedIn()
	c.loggedIn() // a second call does not count
	a.loggedIn() // too late: a has to go
	a.giveBack()
	e, f, g := enter("e", "2001:db8::1", "", ""), enter("f", "2001:db8::2", "", ""), enter("g", "192.0.2.2", "", "")
	if ts.unknown != 4 || ts.open != 5 {
		t.Errorf("%d open, %d unknown", ts.open, ts.unknown)
	}
	h := enter("h", "192.0.2.3", "", "e") // e and f share a /64, which therefore has two
	i := enter("i", "192.0.2.4", "", "d") // each address has one connection: d is the oldest
	for _, p := range []*pass{c, d, e, f, g, h, i} {
		p.giveBack()
	}
	if ts.open != 0 || ts.unknown != 0 || len(ts.perPlace) != 0 {
		t.Errorf("left over: %+v", ts)
	}
}

// shortIdle is an IdleTimeout that a test awaits. A slow machine has to open a session within
// it.
const shortIdle = 3 * time.Second

func TestIdleConnectionIsClosedAndABusyOneIsNot(t *testing.T) {
	t.Parallel()
	ready, release := make(chan struct{}), make(chan struct{})
	ts := start(t, func(c *Config) {
		c.IdleTimeout = shortIdle
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
	session(t, withChannel) // a session without a command does not count as work
	idle.Wait()
	withChannel.Wait()
	eventually(t, "the log's word of the idle connections", func() bool {
		return ts.logged("ssh: connection closed: idle for 3s")
	})
	close(release)
	var exit *gossh.ExitError
	if err := busy.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 7 {
		t.Errorf("the busy session: %v", err)
	}
}

// freezer is a connection whose client stops reading, as when its machine vanishes: the
// client neither answers nor closes the connection.
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

// TestVanishedClientDoesNotHoldItsHandler: a client stops reading during a large output and
// sends nothing any more.
func TestVanishedClientDoesNotHoldItsHandler(t *testing.T) {
	t.Parallel()
	const size = 64 << 20 // more than windows and socket buffers hold
	ready, frozen, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	ts := start(t, func(c *Config) {
		c.KeepAlive = time.Second
		c.Handlers.Command = func(_ context.Context, s *Session, _ []string) int {
			defer close(done)
			close(ready)
			<-frozen
			n, err := io.Copy(s, io.LimitReader(zeroes{}, size))
			if n != size || err != nil {
				t.Errorf("wrote %d bytes, %v; want all of them discarded", n, err)
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
		t.Error("the log does not mention the vanished client")
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

// TestQuietVanishedClientIsNoticed: the server writes nothing to the session, so only
// keepalives can show that the client is gone.
func TestQuietVanishedClientIsNoticed(t *testing.T) {
	t.Parallel()
	ready := make(chan struct{})
	done := make(chan struct{})
	ts := start(t, func(c *Config) {
		c.KeepAlive = time.Second
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

// TestLivingClientAnswersKeepalives: a client that answers keepalives stays connected for
// longer than a silent client would.
func TestLivingClientAnswersKeepalives(t *testing.T) {
	t.Parallel()
	const misses, beats = 250, 270 // a slow machine has 5 s for an answer
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

// TestClientThatTakesNoOutput has a client that answers keepalives but never reads its
// session.
func TestClientThatTakesNoOutput(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	ts := start(t, func(c *Config) {
		c.IdleTimeout = shortIdle
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
		return ts.logged("ssh: connection closed: took no output for 3s")
	})
}

// TestClosedConnectionDoesNotCancelWork: a Git command has to run to its end.
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
