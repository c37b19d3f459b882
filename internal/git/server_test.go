package git_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/gittest"
	"github.com/pushboat/pushboat/internal/git/storetest"
	"github.com/pushboat/pushboat/internal/name"
)

func TestMain(m *testing.M) { gittest.Main(m) }

// server is a store with one repository, shop, that Git can reach.
type server struct {
	*gittest.Remote
	t        *testing.T
	store    *git.Store
	repo     *git.Repository
	dir      string       // for the hooks' fifos
	protocol chan string  // one for each session, as the client sent it
	served   chan outcome // one for each session, when Serve has returned
	stop     context.CancelFunc
	gates    chan *git.Gate // one for each session, before Serve is called

	hideRecords atomic.Bool // see git.ServeRequest
}

type outcome struct {
	status int
	err    error
	talk   *git.Talk
}

const acceptAll = "#!/bin/sh\nexit 0\n"

// newServer starts a server with hook scripts, given by name. They find a directory of the
// test in $PUSHBOAT_DIR.
func newServer(t *testing.T, scripts map[string]string, opts git.StoreOptions) *server {
	t.Helper()
	opts.HooksDir = t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(opts.HooksDir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	store := storetest.Open(t, opts)
	repo := storetest.Shop(t, store)
	s := &server{t: t, store: store, repo: repo, dir: t.TempDir(), protocol: make(chan string, 100), served: make(chan outcome, 100), gates: make(chan *git.Gate, 100)}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	t.Cleanup(stop)
	s.Remote = gittest.Serve(t, func(session gittest.Session) int { return s.serve(ctx, session) })
	return s
}

func (s *server) serve(ctx context.Context, session gittest.Session) int {
	s.protocol <- session.Protocol
	name, err := name.ParseRepo(session.Repo)
	if err != nil {
		fmt.Fprintln(session.Stderr, err)
		return 128
	}
	repo, err := s.store.Open(name)
	if err != nil {
		fmt.Fprintln(session.Stderr, err)
		return 128
	}
	talk, gate := &git.Talk{}, git.NewGate()
	s.gates <- gate
	status, err := repo.Serve(ctx, git.ServeRequest{
		Talk: talk, Service: git.Service(session.Service), Protocol: session.Protocol,
		Stdin: session.Stdin, Stdout: session.Stdout, Stderr: session.Stderr,
		Gone: session.Gone, Gate: gate,
		HookEnv: []string{"PUSHBOAT_DIR=" + s.dir}, Operator: "ana", HideRecords: s.hideRecords.Load(),
	})
	s.served <- outcome{status, err, talk}
	return status
}

func (s *server) head(ref string) git.Hash {
	s.t.Helper()
	hash, err := s.repo.Head(s.t.Context(), ref)
	if err != nil && !errors.Is(err, git.ErrNoRef) {
		s.t.Fatal(err)
	}
	return hash
}

// fifo creates a named pipe at which a hook and the test meet.
func (s *server) fifo(name string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// receive waits for a hook to write to a fifo.
func receive(t *testing.T, fifo string) string {
	t.Helper()
	data, err := os.ReadFile(fifo)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// send waits for a hook to read from a fifo.
func send(t *testing.T, fifo, text string) {
	t.Helper()
	if err := os.WriteFile(fifo, []byte(text+"\n"), 0); err != nil {
		t.Fatal(err)
	}
}

// gone fails the test unless every process of a group has ended.
func gone(t *testing.T, group string) {
	t.Helper()
	pid, err := strconv.Atoi(group)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process group %d is still there: %v", pid, err)
	}
}

func (s *server) noQuarantine() {
	s.t.Helper()
	left, err := filepath.Glob(filepath.Join(s.repo.Dir(), "objects", "tmp_objdir-*"))
	if err != nil || len(left) != 0 {
		s.t.Errorf("left behind: %v, %v", left, err)
	}
}
