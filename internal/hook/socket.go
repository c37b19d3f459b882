package hook

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/hooks"
	"github.com/pushboat/pushboat/internal/git"
)

const (
	// maxSocketPath fits into sun_path with its NUL where that is smallest: it has 108
	// bytes on Linux, 104 elsewhere.
	maxSocketPath = 103
	// requestDeadline bounds the request; a hook sends it at once.
	requestDeadline = 10 * time.Second
	// maxHooks bounds the connections at one time, against a runaway local
	// process; each push has at most one.
	maxHooks = 512
)

// RefUpdate is one ref of a push, as the pusher asks for it.
type RefUpdate struct {
	Old, New git.Hash // zero: the ref does not exist before, or after
	Ref      string   // in full, as Git checked it; any bytes Git lets through
}

// Creates reports whether the ref is new.
func (u RefUpdate) Creates() bool { return u.Old.IsZero() }

// Deletes reports whether the ref goes away.
func (u RefUpdate) Deletes() bool { return u.New.IsZero() }

// Request is Git's description of a push for a hook.
type Request struct {
	Updates    []RefUpdate    // at least 1, at most hooks.MaxRefs
	Options    []string       // push options: at most 16 of at most 1 KiB, any bytes but NUL
	Quarantine git.Quarantine // where the new objects are; zero after pre-receive
}

// Handler answers the hooks of one push. out goes to the pusher, line by
// line, and fails once nobody listens; it is safe for concurrent use. ctx ends
// when the hook is gone, which ends the showing, never the sync.
type Handler interface {
	// PreReceive decides before anything has changed; false refuses the push,
	// and so does a panic or a hook that is gone.
	PreReceive(ctx context.Context, req Request, out io.Writer) (ok bool)
	// PostReceive is called when the refs have moved. Git may never call it.
	PostReceive(ctx context.Context, req Request, out io.Writer)
}

// Socket is the server's end of the hooks.
type Socket struct {
	listener net.Listener
	path     string
	temp     string // a directory of our own to remove, or ""
	program  string
	log      *logrus.Entry

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wait   sync.WaitGroup
	slots  chan struct{}

	mu     sync.Mutex
	pushes map[[sha256.Size]byte]*registration
}

// registration is one push that hooks may speak for.
type registration struct {
	token   string
	handler Handler
	ctx     context.Context
	cancel  context.CancelFunc
	used    map[string]bool // by hook
}

// Listen listens on DIR/hook.sock, of mode 0600 in a directory of mode
// 0700 that is made if need be. A path too long for a unix socket is replaced by
// one in a fresh temporary directory, and so is one on a disk that is full. program is the absolute path of
// pushboat-hook. Hooks are answered until Close.
func Listen(dir, program string, log *logrus.Entry) (*Socket, error) {
	if err := checkProgram(program); err != nil {
		return nil, err
	}
	path, temp, err := socketPath(dir)
	if err != nil {
		return nil, fmt.Errorf("hook socket: %w", err)
	}
	listener, err := listen(path)
	if git.Full(err) && temp == "" { // TMPDIR may be on another disk
		if path, temp, err = shortSocketPath(); err == nil {
			listener, err = listen(path)
		}
	}
	if err != nil {
		if temp != "" {
			err = errors.Join(err, os.RemoveAll(temp))
		}
		return nil, fmt.Errorf("hook socket %q: %w", path, err)
	}
	s := &Socket{
		listener: listener, path: path, temp: temp, program: program, log: log,
		slots: make(chan struct{}, maxHooks), pushes: map[[sha256.Size]byte]*registration{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wait.Go(s.accept)
	return s, nil
}

func checkProgram(program string) error {
	const hint = "install pushboat-hook beside pushboat, or run make build"
	info, err := os.Stat(program)
	if err != nil {
		return fmt.Errorf("hook program: %w; %s", err, hint)
	}
	if !filepath.IsAbs(program) || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("hook program %q is not an executable file with an absolute path; %s", program, hint)
	}
	return nil
}

// socketPath makes the directory of the socket and returns the socket's path,
// and the temporary directory if it had to make one.
func socketPath(dir string) (path, temp string, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return "", "", err
	}
	if path = filepath.Join(dir, "hook.sock"); len(path) > maxSocketPath {
		return shortSocketPath()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", err
	}
	return path, "", os.Chmod(dir, 0o700)
}

// shortSocketPath makes a temporary directory, of mode 0700, for the socket.
func shortSocketPath() (path, temp string, err error) {
	if temp, err = os.MkdirTemp("", "pushboat-"); err != nil {
		return "", "", err
	}
	if path = filepath.Join(temp, "hook.sock"); len(path) > maxSocketPath {
		return "", "", errors.Join(
			fmt.Errorf("the path %q has more than %d bytes; set TMPDIR to a shorter one", path, maxSocketPath),
			os.RemoveAll(temp))
	}
	return path, temp, nil
}

// listen replaces a socket that a killed server left, but nothing else.
func listen(path string) (net.Listener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, errors.New("something that is no socket lies there; move it away")
	default:
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if unix, ok := listener.(*net.UnixListener); ok {
		unix.SetUnlinkOnClose(false) // by then the path may be that of the next server's socket
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// Close ends all hooks (a push that still is before its verdict is refused) and
// returns when their handlers have returned.
func (s *Socket) Close() error {
	s.cancel()
	err := s.listener.Close()
	s.wait.Wait()
	if s.temp != "" {
		err = errors.Join(err, os.RemoveAll(s.temp))
	}
	return err
}

// Register makes the token of one push and returns the environment that its
// git has to have. release ends the push: call it when git has exited. A hook
// that is still being answered then is cut off.
func (s *Socket) Register(handler Handler) (env []string, release func()) {
	token := rand.Text()
	key := sha256.Sum256([]byte(token))
	push := &registration{token: token, handler: handler, used: map[string]bool{}}
	push.ctx, push.cancel = context.WithCancel(s.ctx)
	s.mu.Lock()
	s.pushes[key] = push
	s.mu.Unlock()
	env = []string{hooks.EnvHook + "=" + s.program, hooks.EnvSocket + "=" + s.path, hooks.EnvToken + "=" + token}
	return env, func() {
		s.mu.Lock()
		delete(s.pushes, key)
		s.mu.Unlock()
		push.cancel()
	}
}

// claim finds the push that a token names and uses the token up for that hook.
// The map is searched by the token's hash, so that the time a search takes
// tells nothing of a token.
func (s *Socket) claim(token, hook string) (*registration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	push := s.pushes[sha256.Sum256([]byte(token))]
	if push == nil || subtle.ConstantTimeCompare([]byte(push.token), []byte(token)) != 1 {
		return nil, errors.New("the token is of no push under way")
	}
	if push.used[hook] {
		return nil, fmt.Errorf("the token was used for %s before", hook)
	}
	push.used[hook] = true
	return push, nil
}

func (s *Socket) accept() {
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.log.WithError(err).Error("hook socket: accept")
			if !s.pause(100 * time.Millisecond) { // out of descriptors: they come back
				return
			}
			continue
		}
		select {
		case s.slots <- struct{}{}:
		default:
			s.log.Warnf("hook socket: more than %d hooks at one time; one is refused", maxHooks)
			_ = conn.Close()
			continue
		}
		s.wait.Go(func() {
			defer func() { <-s.slots }()
			s.answer(conn)
		})
	}
}

func (s *Socket) pause(d time.Duration) (goOn bool) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// answer serves one hook from its request to its verdict.
func (s *Socket) answer(conn net.Conn) {
	defer conn.Close()
	closeAtEnd := context.AfterFunc(s.ctx, func() { _ = conn.Close() })
	defer closeAtEnd()
	out := &hookWriter{conn: conn}
	_ = conn.SetReadDeadline(time.Now().Add(requestDeadline))
	raw, err := hooks.ReadRequest(conn)
	if err != nil {
		s.refuse(out, err)
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	req, err := parseRequest(raw)
	if err != nil {
		s.refuse(out, err)
		return
	}
	push, err := s.claim(raw.Token, raw.Hook)
	if err != nil {
		s.refuse(out, err)
		return
	}
	ctx, cancel := context.WithCancel(push.ctx)
	defer cancel()
	closeAtRelease := context.AfterFunc(push.ctx, func() { _ = conn.Close() })
	defer closeAtRelease()
	// The hook sends nothing more: a read ends when the hook does.
	s.wait.Go(func() {
		_, _ = conn.Read(make([]byte, 1))
		cancel()
	})
	ok := s.handle(ctx, push.handler, raw.Hook, req, out)
	if ctx.Err() == nil {
		out.verdict(ok)
	} // else the hook, the push or the server has ended: no verdict is a refusal
}

// handle calls the handler; a panic is a refusal, and the server lives on.
func (s *Socket) handle(ctx context.Context, h Handler, hook string, req Request, out io.Writer) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			ok = false
			s.log.WithField("hook", hook).Errorf("hook handler panicked: %v\n%s", p, debug.Stack())
			fmt.Fprintf(out, "error: internal error in %s; the server's log has more\n", hook)
		}
	}()
	if hook == hooks.PreReceive {
		return h.PreReceive(ctx, req, out)
	}
	h.PostReceive(ctx, req, out)
	return true
}

func (s *Socket) refuse(out *hookWriter, err error) {
	s.log.WithError(err).Warn("hook refused")
	fmt.Fprintf(out, "error: pushboat: %v\n", err)
	out.verdict(false)
}

// parseRequest reads the ref lines, which Git has checked, again.
func parseRequest(raw hooks.Request) (Request, error) {
	req := Request{Options: raw.Options, Quarantine: git.Quarantine{ObjectDir: raw.Quarantine}}
	for _, line := range raw.Refs {
		update, err := parseUpdate(line)
		if err != nil {
			return Request{}, fmt.Errorf("ref line %q: %w", line, err)
		}
		req.Updates = append(req.Updates, update)
	}
	return req, nil
}

func parseUpdate(line string) (RefUpdate, error) {
	fields := strings.SplitN(line, " ", 3)
	if len(fields) != 3 || !strings.HasPrefix(fields[2], "refs/") {
		return RefUpdate{}, errors.New("want OLD NEW REF")
	}
	before, err := git.ParseHash(fields[0])
	if err != nil {
		return RefUpdate{}, err
	}
	after, err := git.ParseHash(fields[1])
	if err != nil {
		return RefUpdate{}, err
	}
	return RefUpdate{Old: before, New: after, Ref: fields[2]}, nil
}

// hookWriter sends output and at last the verdict to the hook.
type hookWriter struct {
	mu    sync.Mutex
	conn  net.Conn
	ended bool
}

func (w *hookWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return 0, net.ErrClosed
	}
	if err := hooks.WriteOutput(w.conn, p); err != nil {
		return 0, fmt.Errorf("write to hook: %w", err)
	}
	return len(p), nil
}

func (w *hookWriter) verdict(ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	status := byte(1)
	if ok {
		status = 0
	}
	_ = hooks.WriteVerdict(w.conn, status) // a hook that is gone needs none
}
