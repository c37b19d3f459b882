package git_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/gittest"
)

// TestClientKilledInHook: the client is killed while a hook runs, after the gate has begun.
// The hook then writes nothing, or more than a pipe holds. The push comes to its end: the
// ref moves, the other hook runs, and no files are left.
func TestClientKilledInHook(t *testing.T) {
	for _, in := range []string{"pre-receive", "post-receive"} {
		for name, chatter := range map[string]string{
			"quiet":  "",
			"chatty": "i=0; while [ $i -lt 3000 ]; do echo 'line after the client has gone, of more than sixty-four bytes'; i=$((i+1)); done",
		} {
			t.Run(in+"/"+name, func(t *testing.T) {
				const meet = "echo $PPID > \"$PUSHBOAT_DIR/started\"; read x < \"$PUSHBOAT_DIR/go\"\n"
				scripts := map[string]string{
					"pre-receive":  "#!/bin/sh\ncat >/dev/null\n",
					"post-receive": "#!/bin/sh\ncat >/dev/null\n",
				}
				scripts[in] += meet + chatter + "\n"
				scripts["post-receive"] += "echo ran > \"$PUSHBOAT_DIR/post\"\n"
				s := newServer(t, scripts, git.StoreOptions{})
				started, goOn := s.fifo("started"), s.fifo("go")
				work := gittest.WorkTree(t, map[string]string{"a": "1"})
				cmd := s.Command(work, "push", s.URL("shop"), "main")
				cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				group := receive(t, started)
				(<-s.gates).Begin()
				if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait() // returns "signal: killed"
				send(t, goOn, "go")
				if got := <-s.served; got.status != 0 || got.err != nil {
					t.Errorf("Serve = %d, %v; want 0", got.status, got.err)
				}
				if want := gittest.Must(t, work, "rev-parse", "HEAD"); string(s.head("refs/heads/main")) != want {
					t.Errorf("main is at %q, want %s", s.head("refs/heads/main"), want)
				}
				if _, err := os.Stat(filepath.Join(s.dir, "post")); err != nil {
					t.Errorf("post-receive did not run to its end: %v", err)
				}
				gone(t, group)
				s.noQuarantine()
			})
		}
	}
}

// TestClientKilledBeforeTheGate: if the client is killed before the hook has reached the
// gate, the push ends, and the gate does not begin.
func TestClientKilledBeforeTheGate(t *testing.T) {
	s := newServer(t, map[string]string{
		"pre-receive": "#!/bin/sh\necho $PPID > \"$PUSHBOAT_DIR/started\"; read x < \"$PUSHBOAT_DIR/never\"\n",
	}, git.StoreOptions{})
	started := s.fifo("started")
	s.fifo("never")
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	cmd := s.Command(work, "push", s.URL("shop"), "main")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	group := receive(t, started)
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // returns "signal: killed"
	got := <-s.served
	if stopped, ok := errors.AsType[*git.StoppedError](got.err); !ok || stopped.Cause != git.ClientGone || got.status == 0 {
		t.Errorf("Serve = %d, %v; want %q", got.status, got.err, git.ClientGone)
	}
	if (<-s.gates).Begin() {
		t.Error("the gate begins for a push that was ended")
	}
	if got := s.head("refs/heads/main"); !got.IsZero() {
		t.Errorf("main is at %s", got)
	}
	waitGone(t, group)
	s.noQuarantine()
}

// TestClientGoneInClone: a client that disconnects during a clone ends Git, so that the
// rest is not generated for nobody.
func TestClientGoneInClone(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	s.Must(work, "push", s.URL("shop"), "main")
	status, err := s.repo.Serve(t.Context(), git.ServeRequest{
		Service: git.UploadPack, Stdin: strings.NewReader("0000"), Stdout: brokenWriter{}, Stderr: io.Discard,
	})
	if err != nil {
		t.Errorf("Serve = %d, %v", status, err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestForcedStop: only the server's own end stops a push: by SIGTERM to the whole group,
// and by SIGKILL if that is ignored.
func TestForcedStop(t *testing.T) {
	for name, trap := range map[string]string{"heeds": "", "ignores": "trap '' TERM\n"} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, map[string]string{
				"pre-receive": "#!/bin/sh\n" + trap + "echo $PPID > \"$PUSHBOAT_DIR/started\"\nwhile :; do read x < \"$PUSHBOAT_DIR/never\"; done\n",
			}, git.StoreOptions{KillDelay: 100 * time.Millisecond})
			started := s.fifo("started")
			s.fifo("never")
			work := gittest.WorkTree(t, map[string]string{"a": "1"})
			result := make(chan error, 1)
			go func() {
				_, err := s.Run(work, "push", s.URL("shop"), "main")
				result <- err
			}()
			group := receive(t, started)
			s.stop()
			if got := <-s.served; !errors.Is(got.err, context.Canceled) || got.status == 0 {
				t.Errorf("Serve = %d, %v; want context.Canceled", got.status, got.err)
			}
			if err := <-result; err == nil {
				t.Error("the push succeeded")
			}
			if got := s.head("refs/heads/main"); !got.IsZero() {
				t.Errorf("main is at %s", got)
			}
			waitGone(t, group)
		})
	}
}

// waitGone waits until every process of a group is gone: after a SIGKILL the
// kernel takes a moment, and orphans are reaped by init.
func waitGone(t *testing.T, group string) {
	t.Helper()
	pid, err := strconv.Atoi(group)
	if err != nil {
		t.Fatal(err)
	}
	for t.Context().Err() == nil && !zombies(pid) {
		if err := syscall.Kill(-pid, 0); errors.Is(err, syscall.ESRCH) {
			return
		}
	}
}

// zombies reports whether all remaining processes of a group are zombies.
func zombies(group int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(data), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 2 && fields[2] == strconv.Itoa(group) && fields[0] != "Z" {
			return false
		}
	}
	return len(stats) > 0
}
