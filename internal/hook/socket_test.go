package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/hooks"
	"github.com/pushboat/pushboat/internal/git/gittest"
)

func TestMain(m *testing.M) { gittest.Main(m) }

// handler is a Handler made of functions; a nil one accepts.
type handler struct {
	pre  func(ctx context.Context, req Request, out io.Writer) bool
	post func(ctx context.Context, req Request, out io.Writer)
}

func (h handler) PreReceive(ctx context.Context, req Request, out io.Writer) bool {
	return h.pre == nil || h.pre(ctx, req, out)
}

func (h handler) PostReceive(ctx context.Context, req Request, out io.Writer) {
	if h.post != nil {
		h.post(ctx, req, out)
	}
}

// syncBuffer is a log that can be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newSocket(t *testing.T) (*Socket, *syncBuffer) {
	t.Helper()
	text := &syncBuffer{}
	log := logrus.New()
	log.SetOutput(text)
	s, err := Listen(filepath.Join(t.TempDir(), "hook"), gittest.BuildHook(t), logrus.NewEntry(log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, text
}

const (
	oldHash = "1111111111111111111111111111111111111111"
	newHash = "2222222222222222222222222222222222222222"
	refLine = oldHash + " " + newHash + " refs/heads/main\n"
)

// hookCommand prepares the hook as Git would run it.
func hookCommand(env []string, hook, stdin string) *exec.Cmd {
	program := "/nonexistent"
	for _, entry := range env {
		if path, ok := strings.CutPrefix(entry, hooks.EnvHook+"="); ok {
			program = path
		}
	}
	cmd := exec.Command(program, hook)
	cmd.Env = env
	cmd.Stdin = strings.NewReader(stdin)
	return cmd
}

func runHook(t *testing.T, env []string, hook, stdin string) (output string, status int) {
	t.Helper()
	out, err := hookCommand(env, hook, stdin).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		return string(out), exit.ExitCode()
	}
	return string(out), 0
}

func TestSocketRelaysBothHooks(t *testing.T) {
	s, _ := newSocket(t)
	requests := make(chan Request, 2)
	env, release := s.Register(handler{
		pre: func(_ context.Context, req Request, out io.Writer) bool {
			requests <- req
			fmt.Fprint(out, "plan: ", strings.Repeat("x", 2<<20), "\n")
			return true
		},
		post: func(_ context.Context, req Request, out io.Writer) {
			requests <- req
			fmt.Fprint(out, "deployed\n")
		},
	})
	defer release()
	option := "reason=line one\nref=" + refLine
	preEnv := append(slices.Clone(env), "GIT_QUARANTINE_PATH=/data/shop.git/objects/tmp_objdir-incoming-abcdef",
		"GIT_PUSH_OPTION_COUNT=2", "GIT_PUSH_OPTION_0=plan", "GIT_PUSH_OPTION_1="+option)
	const zeros = "0000000000000000000000000000000000000000" // Git's hash for a ref that does not exist
	stdin := refLine + zeros + " " + newHash + " refs/heads/$(id) x\n"
	out, status := runHook(t, preEnv, hooks.PreReceive, stdin)
	if want := "plan: " + strings.Repeat("x", 2<<20) + "\n"; status != 0 || out != want {
		t.Errorf("pre-receive: %d, %d bytes of output", status, len(out))
	}
	req := <-requests
	want := []RefUpdate{{Old: oldHash, New: newHash, Ref: "refs/heads/main"}, {Old: zeros, New: newHash, Ref: "refs/heads/$(id) x"}}
	if !slices.Equal(req.Updates, want) || !req.Updates[1].Creates() || req.Updates[0].Deletes() {
		t.Errorf("updates = %+v, want %+v", req.Updates, want)
	}
	if !slices.Equal(req.Options, []string{"plan", option}) {
		t.Errorf("options = %q", req.Options)
	}
	if req.Quarantine.ObjectDir != "/data/shop.git/objects/tmp_objdir-incoming-abcdef" {
		t.Errorf("quarantine = %q", req.Quarantine)
	}
	if out, status := runHook(t, env, hooks.PostReceive, refLine); status != 0 || out != "deployed\n" {
		t.Errorf("post-receive: %d, %q", status, out)
	}
	if req := <-requests; len(req.Updates) != 1 || !req.Quarantine.IsZero() || len(req.Options) != 0 {
		t.Errorf("post-receive got %+v", req)
	}
}

func TestSocketRefusal(t *testing.T) {
	s, _ := newSocket(t)
	env, release := s.Register(handler{pre: func(_ context.Context, _ Request, out io.Writer) bool {
		fmt.Fprintln(out, "error: no")
		return false
	}})
	defer release()
	if out, status := runHook(t, env, hooks.PreReceive, refLine); status != 1 || out != "error: no\n" {
		t.Errorf("refused push: %d, %q", status, out)
	}
}

func TestSocketTokens(t *testing.T) {
	s, log := newSocket(t)
	called := func(context.Context, Request, io.Writer) bool { return true }
	env, release := s.Register(handler{pre: called})
	other, releaseOther := s.Register(handler{pre: called})
	if env[2] == other[2] || !strings.HasPrefix(env[2], hooks.EnvToken+"=") || len(env[2]) < len(hooks.EnvToken)+20 {
		t.Fatalf("tokens %q and %q", env[2], other[2])
	}
	releaseOther()
	with := func(token string) []string { return []string{env[0], env[1], hooks.EnvToken + "=" + token} }
	for name, test := range map[string]struct {
		env  []string
		want string
	}{
		"wrong":     {with("wrong"), "of no push under way"},
		"released":  {other, "of no push under way"},
		"missing":   {env[:2], "through Pushboat's SSH server only"},
		"empty":     {with(""), "through Pushboat's SSH server only"},
		"no socket": {[]string{env[0], env[2]}, "through Pushboat's SSH server only"},
		"huge":      {with(strings.Repeat("x", 20<<10)), "malformed"},
	} {
		if out, status := runHook(t, test.env, hooks.PreReceive, refLine); status != 1 || !strings.Contains(out, test.want) {
			t.Errorf("%s token: %d, %q; want %q", name, status, out, test.want)
		}
	}
	if !strings.Contains(log.String(), "of no push under way") {
		t.Errorf("the log does not mention it: %s", log)
	}
	if out, status := runHook(t, env, hooks.PreReceive, refLine); status != 0 {
		t.Errorf("first use: %d, %q", status, out)
	}
	if out, status := runHook(t, env, hooks.PreReceive, refLine); status != 1 || !strings.Contains(out, "used for pre-receive before") {
		t.Errorf("second use: %d, %q", status, out)
	}
	if out, status := runHook(t, env, hooks.PostReceive, refLine); status != 0 {
		t.Errorf("the other hook: %d, %q", status, out)
	}
	release()
	if strings.Contains(log.String(), strings.TrimPrefix(env[2], hooks.EnvToken+"=")) {
		t.Error("a token is in the log")
	}
}

func TestSocketLimits(t *testing.T) {
	s, _ := newSocket(t)
	refuse := func(_ context.Context, _ Request, _ io.Writer) bool {
		t.Error("the handler was called")
		return true
	}
	options := func(n int) []string {
		env := []string{fmt.Sprint("GIT_PUSH_OPTION_COUNT=", n)}
		for i := range min(n, 100) {
			env = append(env, fmt.Sprintf("GIT_PUSH_OPTION_%d=x", i))
		}
		return env
	}
	for name, test := range map[string]struct {
		env   []string
		stdin string
		want  string
	}{
		"refs":        {nil, strings.Repeat(refLine, hooks.MaxRefs+1), "more than 20000 refs in one push\nhint: nothing was changed; push them in parts"},
		"options":     {options(17), refLine, "at most 16 options, not 17\nhint: nothing was changed; leave some out"},
		"many":        {options(1 << 30), refLine, "at most 16 options"},
		"count":       {[]string{"GIT_PUSH_OPTION_COUNT=x"}, refLine, "at most 16 options"},
		"option size": {[]string{"GIT_PUSH_OPTION_COUNT=1", "GIT_PUSH_OPTION_0=" + strings.Repeat("x", 1025)}, refLine, "a push option of 1025 bytes\nhint: nothing was changed; 1024 are the most"},
		"ref size":    {nil, strings.TrimSpace(refLine) + strings.Repeat("x", 4096) + "\n", "a ref of more than 4096 bytes\nhint: nothing was changed; give it a shorter name"},
		"no refs":     {nil, "", "a push of no refs"},
		"NUL":         {nil, oldHash + " " + newHash + " refs/heads/a\x00ref=x\n", "malformed"},
		"no ref":      {nil, "garbage\n", "want OLD NEW REF"},
		"hash":        {nil, "HEAD " + newHash + " refs/heads/main\n", "object id"},
		"not refs/":   {nil, oldHash + " " + newHash + " config\n", "want OLD NEW REF"},
	} {
		env, release := s.Register(handler{pre: refuse})
		out, status := runHook(t, append(env, test.env...), hooks.PreReceive, test.stdin)
		if status != 1 || !strings.Contains(out, test.want) || !strings.Contains(out, "nothing was changed") && !strings.HasPrefix(out, "error: pushboat: ref line") {
			t.Errorf("%s: %d, %q; want %q", name, status, out, test.want)
		}
		release()
	}
}

// TestSocketHostileClient: the server applies the same limits to a program that is not the
// hook.
func TestSocketHostileClient(t *testing.T) {
	s, _ := newSocket(t)
	env, release := s.Register(handler{pre: func(context.Context, Request, io.Writer) bool {
		t.Error("the handler was called")
		return true
	}})
	defer release()
	token := strings.TrimPrefix(env[2], hooks.EnvToken+"=")
	head := "token=" + token + "\x00hook=pre-receive\x00"
	ref := "ref=" + strings.TrimSpace(refLine) + "\x00"
	for name, request := range map[string]string{
		"endless field":  strings.Repeat("x", 1<<20),
		"endless refs":   head + strings.Repeat(ref, 5000),
		"endless option": head + strings.Repeat("option=x\x00", 5000),
		"unknown field":  head + "env=LD_PRELOAD=x\x00" + ref + "\x00",
		"unknown hook":   "token=" + token + "\x00hook=update\x00" + ref + "\x00",
		"cut off":        head + ref,
		"nothing":        "",
	} {
		conn, err := net.Dial("unix", s.path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, request) // the server may close the connection before the request's end
		if err := conn.(*net.UnixConn).CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) {
			t.Fatal(err)
		}
		if status, err := hooks.CopyAnswer(io.Discard, conn); err == nil && status == 0 {
			t.Errorf("%s: accepted", name)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSocketContainsPanics(t *testing.T) {
	s, log := newSocket(t)
	env, release := s.Register(handler{
		pre:  func(context.Context, Request, io.Writer) bool { panic("boom") },
		post: func(context.Context, Request, io.Writer) { panic("bang") },
	})
	defer release()
	for _, hook := range []string{hooks.PreReceive, hooks.PostReceive} {
		out, status := runHook(t, env, hook, refLine)
		if status != 1 || !strings.Contains(out, "internal error") || strings.Contains(out, "boom") || strings.Contains(out, "goroutine") {
			t.Errorf("%s: %d, %q", hook, status, out)
		}
	}
	if !strings.Contains(log.String(), "boom") || !strings.Contains(log.String(), "bang") {
		t.Errorf("log = %s", log)
	}
}

// TestSocketEnds: the handler's context ends with the hook, with release, and with the
// socket. A hook whose server goes away fails.
func TestSocketEnds(t *testing.T) {
	for name, end := range map[string]func(s *Socket, release func(), hook *os.Process) error{
		"hook killed": func(_ *Socket, _ func(), hook *os.Process) error { return hook.Kill() },
		"released":    func(_ *Socket, release func(), _ *os.Process) error { release(); return nil },
		"closed":      func(s *Socket, _ func(), _ *os.Process) error { return s.Close() },
	} {
		for _, hook := range []string{hooks.PreReceive, hooks.PostReceive} {
			t.Run(name+"/"+hook, func(t *testing.T) {
				s, err := Listen(filepath.Join(t.TempDir(), "hook"), gittest.BuildHook(t), discardLog())
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				entered, left := make(chan struct{}), make(chan error, 1)
				wait := func(ctx context.Context, out io.Writer) {
					fmt.Fprintln(out, "waiting")
					close(entered)
					<-ctx.Done()
					left <- ctx.Err()
				}
				env, release := s.Register(handler{
					pre: func(ctx context.Context, _ Request, out io.Writer) bool {
						wait(ctx, out)
						return true
					},
					post: func(ctx context.Context, _ Request, out io.Writer) { wait(ctx, out) },
				})
				defer release()
				cmd := hookCommand(env, hook, refLine)
				var out bytes.Buffer
				cmd.Stdout = &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				<-entered
				if err := end(s, release, cmd.Process); err != nil {
					t.Fatal(err)
				}
				if err := <-left; !errors.Is(err, context.Canceled) {
					t.Errorf("the context ended with %v", err)
				}
				if err := cmd.Wait(); err == nil {
					t.Errorf("the hook succeeded: %q", out.String())
				}
				if name == "hook killed" {
					return
				}
				want := map[string]string{hooks.PreReceive: "nothing was changed", hooks.PostReceive: "the commit was kept"}[hook]
				if text := out.String(); !strings.HasPrefix(text, "waiting\n") || !strings.Contains(text, want) {
					t.Errorf("the hook said %q, want %q in it", text, want)
				}
			})
		}
	}
}

func discardLog() *logrus.Entry {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return logrus.NewEntry(log)
}

func TestHookWithoutServer(t *testing.T) {
	s, _ := newSocket(t)
	env, release := s.Register(handler{})
	defer release()
	env = append(env, hooks.EnvSocket+"="+filepath.Join(t.TempDir(), "none.sock"))
	for hook, want := range map[string]string{hooks.PreReceive: "nothing was changed", hooks.PostReceive: "the commit was kept"} {
		if out, status := runHook(t, env, hook, refLine); status != 1 || !strings.Contains(out, "does not answer") || !strings.Contains(out, want) {
			t.Errorf("%s: %d, %q", hook, status, out)
		}
	}
}

func TestSocketFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	program := gittest.BuildHook(t)
	open := func() *Socket {
		t.Helper()
		s, err := Listen(dir, program, discardLog())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	wantMode(t, dir, fs.ModeDir|0o700)
	wantMode(t, s.path, fs.ModeSocket|0o600)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The next server replaces the socket that a server leaves behind. A server does not
	// remove its own socket, since the path may be that of the next server's socket by
	// then.
	wantMode(t, s.path, fs.ModeSocket|0o600)
	if err := open().Close(); err != nil {
		t.Fatal(err)
	}
	// A file in its place is not replaced.
	if err := os.Remove(s.path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir, program, discardLog()); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("over a file: %v", err)
	}
	for name, program := range map[string]string{"missing": "/nonexistent/hook", "relative": "pushboat-hook", "directory": dir, "not executable": s.path} {
		if _, err := Listen(t.TempDir(), program, discardLog()); err == nil || !strings.Contains(err.Error(), "make build") {
			t.Errorf("%s hook program: %v", name, err)
		}
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	if info, err := os.Lstat(path); err != nil || info.Mode() != want {
		t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
	}
}

// TestSocketLongPath: if a path is too long for a Unix socket, a short one is used in its
// place.
func TestSocketLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	s, err := Listen(dir, gittest.BuildHook(t), discardLog())
	if err != nil {
		t.Fatal(err)
	}
	temp := filepath.Dir(s.path)
	wantMode(t, temp, fs.ModeDir|0o700)
	env, release := s.Register(handler{})
	if out, status := runHook(t, env, hooks.PreReceive, refLine); status != 0 {
		t.Errorf("a hook over the short path: %d, %q", status, out)
	}
	release()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(temp); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s stayed: %v", temp, err)
	}
	t.Setenv("TMPDIR", t.TempDir()+strings.Repeat("/x", 60))
	if err := os.MkdirAll(os.Getenv("TMPDIR"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir, gittest.BuildHook(t), discardLog()); err == nil || !strings.Contains(err.Error(), "set TMPDIR to a shorter one") {
		t.Errorf("no short path: %v", err)
	}
}
