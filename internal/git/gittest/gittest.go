// Package gittest lets tests run the real git against a server in the test's own
// process, without SSH: git starts the test binary again as its ssh program, which
// carries the three streams and the exit status over a unix socket. A package that uses
// it calls Main from its TestMain.
package gittest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

const (
	envSocket = "PUSHBOAT_GITTEST_SOCKET"
	frameMax  = 1 << 20
)

// Main runs the tests, or acts as git's ssh program if git has started the binary.
func Main(m *testing.M) {
	if socket := os.Getenv(envSocket); socket != "" {
		os.Exit(actAsSSH(socket))
	}
	status := m.Run()
	if hookDir != "" {
		_ = os.RemoveAll(hookDir)
	}
	os.Exit(status)
}

// Session is one clone or push, as the server sees it.
type Session struct {
	Service  string // git-upload-pack and so on
	Repo     string // as git sent it, without the quotes
	Protocol string // GIT_PROTOCOL

	Stdin          io.Reader // ends when the client closes its side or is gone
	Stdout, Stderr io.Writer // fail when the client is gone
	Gone           <-chan struct{}
}

// Remote is a server for git to talk to.
type Remote struct {
	t      *testing.T
	socket string
	wait   sync.WaitGroup
}

// Serve answers every session with serve, whose result is the exit status.
func Serve(t *testing.T, serve func(Session) int) *Remote {
	t.Helper()
	dir, err := os.MkdirTemp("", "gittest-") //nolint:usetesting // t.TempDir is too long for sun_path
	if err != nil {
		t.Fatal(err)
	}
	r := &Remote{t: t, socket: filepath.Join(dir, "s")}
	listener, err := net.Listen("unix", r.socket)
	if err != nil {
		t.Fatal(err)
	}
	r.wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.wait.Go(func() { r.answer(conn, serve) })
		}
	})
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		r.wait.Wait()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return r
}

var command = regexp.MustCompile(`^(git-[a-z-]+) '([^']*)'$`)

func (r *Remote) answer(conn net.Conn, serve func(Session) int) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	protocol, err1 := in.ReadString('\n')
	line, err2 := in.ReadString('\n')
	match := command.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
	if err1 != nil || err2 != nil || match == nil {
		r.t.Errorf("gittest: command %q: %v %v", line, err1, err2)
		return
	}
	out := &frames{conn: conn}
	gone := make(chan struct{})
	stdin, feed := io.Pipe()
	go func() {
		// The client frames its input, so that "no more input" and "gone" are distinct,
		// as in SSH.
		defer close(gone)
		defer feed.Close()
		for {
			kind, p, err := readFrame(in)
			if err != nil {
				return
			}
			if kind == 'e' {
				feed.Close()
				continue
			}
			_, _ = feed.Write(p) // after the session's end nobody reads it
		}
	}()
	status := serve(Session{
		Service: match[1], Repo: match[2], Protocol: strings.TrimSuffix(protocol, "\n"),
		Stdin: stdin, Stdout: stream{out, '1'}, Stderr: stream{out, '2'}, Gone: gone,
	})
	stdin.Close()
	_ = out.write('x', []byte{byte(status)})
}

// frames writes frames of several streams to one connection.
type frames struct {
	mu   sync.Mutex
	conn net.Conn
}

func (f *frames) write(kind byte, p []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	frame := append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(p))), p...)
	_, err := f.conn.Write(frame)
	return err
}

func readFrame(in *bufio.Reader) (kind byte, p []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > frameMax {
		return 0, nil, fmt.Errorf("frame of %d bytes", size)
	}
	p = make([]byte, size)
	_, err = io.ReadFull(in, p)
	return head[0], p, err
}

type stream struct {
	to   *frames
	kind byte
}

func (s stream) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), frameMax)
		if err := s.to.write(s.kind, rest[:n]); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(p), nil
}

// actAsSSH acts as the ssh program that git starts: "ssh [options] HOST COMMAND".
func actAsSSH(socket string) int {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gittest:", err)
		return 255
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s\n%s\n", os.Getenv("GIT_PROTOCOL"), os.Args[len(os.Args)-1])
	out := &frames{conn: conn}
	go func() {
		_, _ = io.Copy(stream{out, 'i'}, os.Stdin)
		_ = out.write('e', nil)
	}()
	in := bufio.NewReader(conn)
	for {
		kind, p, err := readFrame(in)
		switch {
		case err != nil:
			return 255
		case kind == 'x':
			return int(p[0])
		case kind == '1':
			_, err = os.Stdout.Write(p)
		default:
			_, err = os.Stderr.Write(p)
		}
		if err != nil {
			return 255
		}
	}
}

// URL returns the address of a repository for git.
func (r *Remote) URL(repo string) string { return "ssh://git@gittest/" + repo }

// Command prepares a git that reaches this remote. Its environment has nothing from the
// user's.
func (r *Remote) Command(dir string, args ...string) *exec.Cmd {
	cmd := Git(dir, args...)
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "GIT_SSH_COMMAND=exec '"+self+"'", "GIT_SSH_VARIANT=ssh", envSocket+"="+r.socket)
	return cmd
}

// Run runs git against this remote and returns both of its streams.
func (r *Remote) Run(dir string, args ...string) (output string, err error) {
	out, err := r.Command(dir, args...).CombinedOutput()
	return string(out), err
}

// Must is Run for a git that must succeed.
func (r *Remote) Must(dir string, args ...string) string {
	r.t.Helper()
	out, err := r.Run(dir, args...)
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// Git prepares a git with an environment of its own, without any remote.
func Git(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=ana@example.org",
		"GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=ana@example.org",
		"GIT_AUTHOR_DATE=1700000000 +0000", "GIT_COMMITTER_DATE=1700000000 +0000",
	}
	return cmd
}

// Must runs a local git that must succeed and returns its standard output without the
// last newline.
func Must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return MustIn(t, dir, "", args...)
}

// MustIn is Must with standard input.
func MustIn(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	cmd := Git(dir, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

// WorkTree creates a work tree with branch main and one commit of files.
func WorkTree(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	Must(t, dir, "init", "--quiet", "--initial-branch=main")
	Commit(t, dir, "first", files)
	return dir
}

// Commit writes files and commits them, and returns the commit.
func Commit(t *testing.T, dir, message string, files map[string]string) (hash string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	Must(t, dir, "add", "--all")
	Must(t, dir, "commit", "--quiet", "--allow-empty", "--message", message)
	return Must(t, dir, "rev-parse", "HEAD")
}

// BuildHook builds pushboat-hook once per test binary and returns its path.
func BuildHook(t *testing.T) string {
	t.Helper()
	path, err := buildHook()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// hookDir is BuildHook's output directory; Main removes it.
var hookDir string

var buildHook = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gittest-hook-")
	if err != nil {
		return "", err
	}
	hookDir = dir
	path := filepath.Join(dir, "pushboat-hook")
	cmd := exec.Command("go", "build", "-o", path, "github.com/pushboat/pushboat/cmd/pushboat-hook")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build pushboat-hook: %w\n%s", err, out)
	}
	return path, nil
})
