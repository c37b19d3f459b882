package hook

// The whole way of a push: git, the hooks, the socket, a handler.

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pushboat/pushboat/hooks"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/gittest"
	"github.com/pushboat/pushboat/internal/git/storetest"
)

type gitServer struct {
	*gittest.Remote
	t        *testing.T
	repo     *git.Repository
	hooksDir string
	served   chan int
}

// newGitServer serves one repository, shop, whose pushes are answered by h.
func newGitServer(t *testing.T, h Handler) *gitServer {
	t.Helper()
	socket, _ := newSocket(t)
	hooksDir := filepath.Join(t.TempDir(), "hooks")
	if err := hooks.Install(hooksDir); err != nil {
		t.Fatal(err)
	}
	repo := storetest.Shop(t, storetest.Open(t, git.StoreOptions{HooksDir: hooksDir}))
	s := &gitServer{t: t, repo: repo, hooksDir: hooksDir, served: make(chan int, 100)}
	s.Remote = gittest.Serve(t, func(session gittest.Session) int {
		env, release := socket.Register(h)
		defer release()
		status, err := repo.Serve(context.Background(), git.ServeRequest{
			Service: git.Service(session.Service), Protocol: session.Protocol, HookEnv: env,
			Stdin: session.Stdin, Stdout: session.Stdout, Stderr: session.Stderr,
		})
		if err != nil {
			t.Error(err)
		}
		s.served <- status
		return status
	})
	return s
}

func (s *gitServer) wantMain(want string) {
	s.t.Helper()
	if got, err := s.repo.Head(s.t.Context(), "refs/heads/main"); err != nil || string(got) != want {
		s.t.Errorf("main is at %q, %v; want %s", got, err, want)
	}
}

func TestPushThroughHooks(t *testing.T) {
	var s *gitServer
	read := make(chan int, 1)
	s = newGitServer(t, handler{
		pre: func(ctx context.Context, req Request, out io.Writer) bool {
			for _, option := range req.Options {
				fmt.Fprintln(out, "option", option)
			}
			update := req.Updates[0]
			if update.Deletes() {
				fmt.Fprintln(out, "error: no")
				return false
			}
			tree, err := s.repo.QuarantinedTree(update.New, req.Quarantine)
			if err != nil {
				fmt.Fprintln(out, "error:", err)
				return false
			}
			files, err := fs.Glob(tree, "*/app.yaml")
			for _, name := range files {
				if err == nil {
					_, err = fs.ReadFile(tree, name)
				}
			}
			if err != nil {
				fmt.Fprintln(out, "error:", err)
				return false
			}
			read <- len(files)
			if update.Creates() {
				return true
			}
			ok, err := s.repo.IsAncestor(ctx, update.Old, update.New, req.Quarantine)
			if err != nil || !ok {
				fmt.Fprintln(out, "error: not a fast-forward", err)
			}
			return ok && err == nil
		},
		post: func(_ context.Context, req Request, out io.Writer) {
			fmt.Fprintln(out, "deployed", req.Updates[0].New.Short())
		},
	})
	if err := os.MkdirAll(filepath.Join(s.repo.Dir(), "objects", "tmp_objdir-incoming-stale0"), 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for i := range 300 {
		files[fmt.Sprintf("%03d/app.yaml", i)] = fmt.Sprintf("app: %d\n", i)
	}
	work := gittest.WorkTree(t, files)
	first := gittest.Must(t, work, "rev-parse", "HEAD")
	out := s.Must(work, "push", "-o", "detach", s.URL("shop"), "main")
	if n := <-read; n != 300 || !strings.Contains(out, "remote: option detach") || !strings.Contains(out, "remote: deployed "+first[:7]) {
		t.Errorf("read %d files; git said\n%s", n, out)
	}
	second := gittest.Commit(t, work, "second", map[string]string{"007/app.yaml": "app: changed\n"})
	s.Must(work, "push", s.URL("shop"), "main")
	<-read
	s.wantMain(second)

	gittest.Must(t, work, "reset", "--quiet", "--hard", "HEAD^")
	gittest.Commit(t, work, "other", map[string]string{"008/app.yaml": "app: other\n"})
	if out, err := s.Run(work, "push", "--force", s.URL("shop"), "main"); err == nil || !strings.Contains(out, "remote: error: not a fast-forward") {
		t.Errorf("force push: %v\n%s", err, out)
	}
	<-read
	if out, err := s.Run(work, "push", s.URL("shop"), ":main"); err == nil || !strings.Contains(out, "remote: error: no") {
		t.Errorf("deletion: %v\n%s", err, out)
	}
	s.wantMain(second)
}

// TestLocalPushIsRefused: a push into the repository's directory, past the server, is
// refused.
func TestLocalPushIsRefused(t *testing.T) {
	s := newGitServer(t, handler{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	if out, err := gittest.Git(work, "push", s.repo.Dir(), "main").CombinedOutput(); err == nil || !strings.Contains(string(out), "deny updating a hidden ref") {
		t.Errorf("a local push: %v\n%s", err, out)
	}
	// If the refs are not hidden and the hooks are installed, the hook refuses the push.
	gittest.Must(t, s.repo.Dir(), "config", "--unset", "receive.hideRefs")
	gittest.Must(t, s.repo.Dir(), "config", "core.hooksPath", s.hooksDir)
	if out, err := gittest.Git(work, "push", s.repo.Dir(), "main").CombinedOutput(); err == nil || !strings.Contains(string(out), "through Pushboat's SSH server only") {
		t.Errorf("a local push: %v\n%s", err, out)
	}
	if refs, err := s.repo.Refs(t.Context(), ""); err != nil || len(refs) != 0 {
		t.Errorf("refs = %v, %v", refs, err)
	}
}

// TestPusherKilled: the pusher's git is killed while a hook is being answered. The rest of
// the answer is discarded, and the push ends properly.
func TestPusherKilled(t *testing.T) {
	for _, in := range []string{hooks.PreReceive, hooks.PostReceive} {
		for name, lines := range map[string]int{"quiet": 0, "chatty": 3000} {
			t.Run(in+"/"+name, func(t *testing.T) {
				entered, goOn := make(chan struct{}), make(chan struct{})
				post := make(chan struct{}, 1)
				meet := func(hook string, out io.Writer) {
					if hook != in {
						return
					}
					close(entered)
					<-goOn
					for i := range lines {
						if _, err := fmt.Fprintf(out, "line %d, %s\n", i, strings.Repeat("x", 60)); err != nil {
							t.Errorf("write %d: %v", i, err)
							return
						}
					}
				}
				s := newGitServer(t, handler{
					pre: func(_ context.Context, _ Request, out io.Writer) bool {
						meet(hooks.PreReceive, out)
						return true
					},
					post: func(_ context.Context, _ Request, out io.Writer) {
						meet(hooks.PostReceive, out)
						post <- struct{}{}
					},
				})
				work := gittest.WorkTree(t, map[string]string{"a": "1"})
				cmd := s.Command(work, "push", s.URL("shop"), "main")
				cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				<-entered
				if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait() // returns "signal: killed"
				close(goOn)
				if status := <-s.served; status != 0 {
					t.Errorf("git exited %d", status)
				}
				<-post
				s.wantMain(gittest.Must(t, work, "rev-parse", "HEAD"))
			})
		}
	}
}

// TestPushIsRefusedByAPanic: if the handler panics, the push is refused with a message.
func TestPushIsRefusedByAPanic(t *testing.T) {
	s := newGitServer(t, handler{pre: func(context.Context, Request, io.Writer) bool { panic("boom") }})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	if out, err := s.Run(work, "push", s.URL("shop"), "main"); err == nil || !strings.Contains(out, "internal error") {
		t.Errorf("push: %v\n%s", err, out)
	}
	if refs, err := s.repo.Refs(t.Context(), ""); err != nil || len(refs) != 0 {
		t.Errorf("refs = %v, %v", refs, err)
	}
}
