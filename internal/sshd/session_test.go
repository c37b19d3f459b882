package sshd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

func TestSessionsReachTheirHandlers(t *testing.T) {
	ts := start(t, nil)
	client := ts.client(ts.ana)
	for command, want := range map[string]string{
		"args 'a b' \"c\" d":          "[\"a b\" \"c\" \"d\"]\n",
		"git-upload-pack '/shop.git'": "git-upload-pack \"shop.git\" \"\"\n",
		"git receive-pack shop":       "git-receive-pack \"shop\" \"\"\n",
	} {
		if got := run(t, client, command); got.stdout != want || got.status != 0 || got.stderr != "" {
			t.Errorf("%s: %+v, want %q", command, got, want)
		}
	}
	got := run(t, client, `say "x`)
	if got.status != exitUsage || !strings.HasPrefix(got.stderr, "error: the quote \" in the command is not closed\nhint: ") {
		t.Errorf("a command that cannot be read: %+v", got)
	}
}

func TestExitStatusIsAlwaysSent(t *testing.T) {
	ts := start(t, nil)
	for command, want := range map[string]int{
		"exit 0": 0, "exit 1": 1, "exit 42": 42, "exit 255": 255, "exit -1": 255, "exit 256": 255,
	} {
		if got := ts.ssh(ts.ana, nil, "", command); got.status != want {
			t.Errorf("%s: %+v", command, got)
		}
	}
}

func TestPanicEndsOneSession(t *testing.T) {
	ts := start(t, nil)
	client := ts.client(ts.ana)
	got := run(t, client, "panic")
	if got.status != exitInternal || !strings.Contains(got.stderr, "error: the server has a fault\nhint: ") {
		t.Errorf("panic: %+v", got)
	}
	if strings.Contains(got.stderr, "as asked") {
		t.Error("the client sees the details of the panic")
	}
	if !ts.logged("panic in handler: as asked") {
		t.Error("the log does not mention the panic")
	}
	if got := run(t, client, "exit 3"); got.status != 3 {
		t.Errorf("the same connection afterwards: %+v", got)
	}
	if got := ts.ssh(ts.ben, nil, "", "exit 4"); got.status != 4 {
		t.Errorf("another connection afterwards: %+v", got)
	}
}

// panickyKeys panics for one key.
type panickyKeys struct {
	Keys
	key gossh.PublicKey
}

func (k panickyKeys) Identify(key gossh.PublicKey, remote net.Addr) (access.Operator, error) {
	if bytes.Equal(key.Marshal(), k.key.Marshal()) {
		panic("as asked")
	}
	return k.Keys.Identify(key, remote)
}

func TestPanicDuringTheLoginEndsOneConnection(t *testing.T) {
	eve := newPerson(t)
	ts := start(t, func(c *Config) { c.Keys = panickyKeys{c.Keys, eve.signer.PublicKey()} })
	client := ts.client(ts.ana)
	if _, err := ts.dial(eve); err == nil {
		t.Error("a client logged in although the look-up of its key panicked")
	}
	eventually(t, "the log's word of it", func() bool { return ts.logged("panic in connection: as asked") })
	if got := run(t, client, "exit 3"); got.status != 3 {
		t.Errorf("another connection: %+v", got)
	}
	eventually(t, "the end of the connection", func() bool { return len(ts.open()) == 1 })
}

func TestEnvironmentIsGitProtocolOnly(t *testing.T) {
	ts := start(t, nil)
	client := ts.client(ts.ana)
	for _, env := range [][2]string{
		{"LD_PRELOAD", "x"},
		{"GIT_DIR", "/"},
		{"LANG", "C"},
		{"", ""},
		{"GIT_PROTOCOL", "version=3"},
		{"GIT_PROTOCOL", "version=2:x"},
		{"GIT_PROTOCOL", "version=2\n"},
		{"GIT_PROTOCOL", ""},
	} {
		s := session(t, client)
		if err := s.Setenv(env[0], env[1]); err == nil {
			t.Errorf("%q=%q was accepted", env[0], env[1])
		}
		if out, err := s.Output("git-upload-pack x"); err != nil || string(out) != "git-upload-pack \"x\" \"\"\n" {
			t.Errorf("afterwards: %q, %v", out, err)
		}
	}
	for _, value := range []string{"version=0", "version=1", "version=2"} {
		s := session(t, client)
		if err := s.Setenv("GIT_PROTOCOL", value); err != nil {
			t.Errorf("%s: %v", value, err)
		}
		if out, err := s.Output("git-upload-pack x"); err != nil || !strings.Contains(string(out), value) {
			t.Errorf("%s: %q, %v", value, out, err)
		}
	}
}

func TestEnvironmentFloodClosesTheConnection(t *testing.T) {
	ts := start(t, nil)
	client := ts.client(ts.ana)
	s := session(t, client)
	value := strings.Repeat("x", 30000)
	payload := gossh.Marshal(struct{ Name, Value string }{"GIT_PROTOCOL", value})
	for range 3000 {
		if _, err := s.SendRequest("env", true, payload); err != nil {
			eventually(t, "the log's word of it", func() bool { return ts.logged("too many requests before a command") })
			return
		}
	}
	t.Error("3000 variables were accepted without an error")
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	ts := start(t, nil)
	client := ts.client(ts.ana)
	for _, kind := range []string{"exec", "env"} {
		s := session(t, client)
		if ok, err := s.SendRequest(kind, true, []byte{0, 0, 0, 9, 'x'}); ok || err != nil {
			t.Errorf("malformed %s: %v, %v", kind, ok, err)
		}
		s.Close()
	}
}

func TestWhatASessionMayNotDo(t *testing.T) {
	ts := start(t, nil)
	client := ts.client(ts.ana)
	s := session(t, client)
	if err := s.RequestSubsystem("sftp"); err == nil {
		t.Error("SFTP was accepted")
	}
	for _, kind := range []string{"auth-agent-req@openssh.com", "x11-req", "signal", "break", "xyz"} {
		if ok, err := s.SendRequest(kind, true, nil); ok || err != nil {
			t.Errorf("%s: %v, %v", kind, ok, err)
		}
	}
	if out, err := s.Output("exit 0"); err != nil {
		t.Errorf("the command afterwards: %q, %v", out, err)
	}
	if _, err := client.Dial("tcp", ts.addr); err == nil {
		t.Error("a connection was forwarded")
	}
	if _, err := client.Listen("tcp", "127.0.0.1:0"); err == nil {
		t.Error("a port was opened for the client")
	}
	if _, err := client.ListenUnix("/tmp/x.sock"); err == nil {
		t.Error("a unix socket was opened for the client")
	}
	if got := run(t, client, "exit 5"); got.status != 5 {
		t.Errorf("the connection afterwards: %+v", got)
	}
}

func TestOneCommandASession(t *testing.T) {
	ready, release := make(chan struct{}), make(chan struct{})
	ts := start(t, func(c *Config) {
		c.Handlers.Command = func(_ context.Context, s *Session, _ []string) int {
			close(ready)
			<-release
			return 0
		}
	})
	s := session(t, ts.client(ts.ana))
	if err := s.Start("first"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	for _, kind := range []string{"exec", "shell", "env", "pty-req"} {
		if ok, err := s.SendRequest(kind, true, gossh.Marshal(struct{ S string }{"second"})); ok || err != nil {
			t.Errorf("a second %s: %v, %v", kind, ok, err)
		}
	}
	// More signals than any buffer holds: the loop must not wait for a reader.
	for range 1000 {
		if err := errors.Join(s.Signal(gossh.SIGINT), s.WindowChange(1, 1)); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	if err := s.Wait(); err != nil {
		t.Errorf("after the signals: %v", err)
	}
}

func TestSessionsAreLimited(t *testing.T) {
	ts := start(t, nil)
	client := ts.client(ts.ana)
	var opened atomic.Int32
	var wg sync.WaitGroup
	for range 2000 {
		wg.Go(func() {
			_, _, err := client.OpenChannel("session", nil)
			var refused *gossh.OpenChannelError
			switch {
			case err == nil:
				opened.Add(1)
			case !errors.As(err, &refused) || refused.Reason != gossh.ResourceShortage:
				t.Errorf("open a session: %v", err)
			}
		})
	}
	wg.Wait()
	if n := opened.Load(); n != 10 {
		t.Errorf("%d sessions on a connection, want 10", n)
	}
}

// TestSessionsThatEndedDoNotCount: any number of sessions may follow one another on a
// connection, however fast.
func TestSessionsThatEndedDoNotCount(t *testing.T) {
	ts := start(t, func(c *Config) { c.MaxSessions = 2 })
	client := ts.client(ts.ana)
	for i := range 500 {
		if got := run(t, client, "exit 0"); got.status != 0 {
			t.Fatalf("session %d: %+v", i, got)
		}
	}
}

func TestGreetingWithAndWithoutATerminal(t *testing.T) {
	ts := start(t, nil)
	if got := ts.ssh(ts.ana, []string{"-T"}, ""); got != (result{"hello ana\n", "", 0}) {
		t.Errorf("without: %+v", got)
	}
	if got := ts.ssh(ts.ana, []string{"-tt"}, ""); got != (result{"hello ana\r\n", "", 0}) {
		t.Errorf("with: %+v", got)
	}
	if got := ts.ssh(ts.ana, []string{"-tt"}, "", "git-upload-pack 'x'"); got.status != exitUsage || got.stdout != "" {
		t.Errorf("git with a terminal: %+v", got)
	}
}

func TestLineEndsOnATerminal(t *testing.T) {
	o := &outlet{}
	var got []byte
	for _, part := range []string{"a\nb\r", "\nc\r\n\n", "\r", "d\n"} {
		got = append(got, o.lines([]byte(part))...)
	}
	if want := "a\r\nb\r\nc\r\n\r\n\rd\r\n"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCtrlCOnATerminal(t *testing.T) {
	ready := make(chan struct{})
	ts := start(t, func(c *Config) {
		c.Handlers.Command = func(_ context.Context, s *Session, _ []string) int {
			if n, err := s.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
				t.Errorf("Read on a terminal: %d, %v", n, err)
			}
			close(ready)
			<-s.Gone()
			return 130
		}
	})
	s := session(t, ts.client(ts.ana))
	if err := s.RequestPty("xterm", 25, 80, nil); err != nil {
		t.Fatal(err)
	}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("logs -f"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	if _, err := in.Write([]byte("x\x03")); err != nil {
		t.Fatal(err)
	}
	var exit *gossh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 130 {
		t.Errorf("Ctrl-C: %v", err)
	}
}

// TestEndOfInputIsNotTheEnd: every push closes its input before it ends.
func TestEndOfInputIsNotTheEnd(t *testing.T) {
	ts := start(t, nil)
	got := ts.ssh(ts.ana, nil, "all of it", "cat")
	if got != (result{"all of it", "gone: false\n", 0}) {
		t.Errorf("%+v", got)
	}
}

func TestOutputOfManyGoroutinesDoesNotMix(t *testing.T) {
	const lines = 200
	line := strings.Repeat("x", 100) + "\n"
	ts := start(t, func(c *Config) {
		c.Handlers.Command = func(_ context.Context, s *Session, _ []string) int {
			done := make(chan struct{})
			go func() {
				defer close(done)
				for range lines {
					io.WriteString(s, line)
				}
			}()
			for range lines {
				io.WriteString(s, line)
				io.WriteString(s.Stderr(), line)
			}
			<-done
			return 0
		}
	})
	got := run(t, ts.client(ts.ana), "go")
	if got.stdout != strings.Repeat(line, 2*lines) || got.stderr != strings.Repeat(line, lines) {
		t.Error("lines are mixed up or lost")
	}
}

func TestManySessionsOverOneMaster(t *testing.T) {
	ts := start(t, nil)
	master := ts.master(ts.ana)
	for i := range 12 { // more than the limit, one after the other
		got := ts.ssh(ts.ana, []string{"-S", master}, fmt.Sprint(i), fmt.Sprintf("exit %d", i))
		if got.status != i {
			t.Errorf("session %d: %+v", i, got)
		}
	}
	if n := len(ts.open()); n != 1 {
		t.Errorf("%d connections, want the master's alone", n)
	}
}

// TestClientKilledBehindAMaster: the connection stays open, and only the closed channel
// shows that the client is gone.
func TestClientKilledBehindAMaster(t *testing.T) {
	ready, gone := make(chan struct{}), make(chan struct{})
	ts := start(t, func(c *Config) {
		c.Handlers.Command = func(_ context.Context, s *Session, args []string) int {
			if args[0] != "hold" {
				return 0
			}
			close(ready)
			<-s.Gone()
			io.WriteString(s, strings.Repeat("nobody reads this\n", 1<<18))
			close(gone)
			return 0
		}
	})
	master := ts.master(ts.ana)
	cmd := ts.openSSH(ts.ana, []string{"-S", master}, "hold")
	cmd.Stdout = &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	cmd.Process.Kill()
	cmd.Wait()
	await(t, gone, "the server to notice that the client was killed")
	if got := ts.ssh(ts.ana, []string{"-S", master}, "", "next"); got.status != 0 {
		t.Errorf("the next session of the master: %+v", got)
	}
	if n := len(ts.open()); n != 1 {
		t.Errorf("%d connections, want the master's alone", n)
	}
}
