// Package server runs a Pushboat server for tests in the way that people do: the program, a
// folder for its files, operators with keys, and ssh configurations for them. A test can
// cut the server's line to the cluster.
package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pushboat/pushboat/test/child"
)

// How long things may take on a very busy machine. A test that reaches one of these limits
// fails.
const (
	readyWithin = 3 * time.Minute
	stopWithin  = 3 * time.Minute
	logWithin   = 3 * time.Minute
)

// Home is the folder of a server: its data, the operators' keys and ssh configurations, and
// its programs.
type Home struct {
	Dir      string   // short, since it has sockets, whose paths may have about a hundred bytes
	Programs string   // the folder of the programs that Build has built
	Server   *Process // nil before the first start
	standby  *Process // a second server on the same data; nil for none
	former   *Process // the server whose place this one took as a standby; nil for none
}

// Path is a path in the folder.
func (h *Home) Path(elements ...string) string {
	return filepath.Join(append([]string{h.Dir}, elements...)...)
}

// Process is a running pushboat serve, or one that has ended.
type Process struct {
	flags []string
	child *child.Process
	log   *Log // of all servers that were started in this folder
	asked bool // whether the server was asked to stop, and nobody waits for its end yet
}

// Start starts the server with its usual flags and the given ones, and waits until it is
// ready.
func (h *Home) Start(flags []string) error {
	srv, err := h.spawn(flags)
	if err != nil {
		return err
	}
	h.Server = srv
	return h.await()
}

// await waits until the server is ready, and makes the clients use its address.
func (h *Home) await() error {
	if err := h.Server.child.Ready(context.Background(), readyWithin); err != nil {
		return err
	}
	return h.findServer()
}

// spawn starts a server, and does not wait for it.
func (h *Home) spawn(flags []string) (*Process, error) {
	srv := &Process{flags: flags, log: &Log{changed: make(chan struct{})}}
	if h.Server != nil {
		srv.log = h.Server.log
	}
	args := []string{
		"serve", "--data", h.Path("data"), "--ssh", "127.0.0.1:0", "--http", "127.0.0.1:0",
		"--kubeconfig", h.Path("kubeconfig"), "--admin-key", h.Path("ssh", "ana.key.pub"),
		"--keys", h.Path("keys"),
	}
	cmd := exec.Command(filepath.Join(h.Programs, "pushboat"), append(args, flags...)...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + h.Path("home"), "TMPDIR=" + h.Path("home"),
		"GORACE=atexit_sleep_ms=0",
	}
	cmd.Stderr = srv.log
	cmd.WaitDelay = time.Second // for children that a killed server leaves behind
	started, err := child.Start(cmd, nil)
	srv.child = started
	return srv, err
}

// findServer reads the address at which the server listens, and writes it into the clients'
// ssh configurations.
func (h *Home) findServer() error {
	address, err := h.address()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	return h.Point(host, port)
}

// address is the address at which the server listens for ssh. With a full disk the server
// cannot write its address to a file; then it is the address that the server was told to
// use.
func (h *Home) address() (string, error) {
	data, err := os.ReadFile(h.Path("data", "run", "ssh.addr"))
	told := slices.Index(h.Server.flags, "--ssh") + 1
	if errors.Is(err, fs.ErrNotExist) && 0 < told && told < len(h.Server.flags) {
		return h.Server.flags[told], nil
	}
	return strings.TrimSpace(string(data)), err
}

// Running reports whether the server was started and has not ended.
func (srv *Process) Running() bool { return srv != nil && srv.child.Running() }

// Signal sends the server a signal.
func (srv *Process) Signal(signal syscall.Signal) error {
	if !srv.Running() {
		return errors.New("the server does not run")
	}
	return srv.child.Cmd.Process.Signal(signal)
}

// Stop sends the server a signal, and waits until it has ended.
func (srv *Process) Stop(signal syscall.Signal) error {
	if (srv == nil || !srv.asked) && !srv.Running() {
		return errors.New("the server does not run")
	}
	if srv.asked {
		signal = 0 // it has had its signal
	}
	err := srv.child.Stop(signal, stopWithin)
	if signal == syscall.SIGKILL {
		return nil
	}
	return err
}

// Log is the output of this server, and of the servers before it in its folder.
func (srv *Process) Log() *Log { return srv.log }

// Ask asks the server to stop. A later Stop waits for its end.
func (srv *Process) Ask() error {
	if err := srv.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	srv.asked = true
	return nil
}

// Restart stops the server if it is running, and starts it with the same flags.
func (h *Home) Restart() error {
	if h.Server == nil {
		return errors.New("the server was not started yet")
	}
	if h.Server.Running() {
		if err := h.Server.Stop(syscall.SIGTERM); err != nil {
			return err
		}
	}
	return h.Start(h.Server.flags)
}

// End stops the server after a test. The test fails if the server did not run well, and a
// failed test shows the server's log.
func (h *Home) End(t testing.TB) {
	if h.Server == nil {
		return
	}
	h.endOthers()
	if h.Server.Running() {
		signal := syscall.SIGTERM
		if t.Failed() {
			signal = syscall.SIGKILL
		}
		if err := h.Server.Stop(signal); err != nil {
			t.Errorf("stop the server after the test: %v", err)
		}
	}
	if trouble := h.Server.log.Find(crash); trouble != "" {
		t.Errorf("the server's log has a crash: %q", trouble)
	}
	if t.Failed() {
		t.Logf("the server's log:\n%s", h.Server.log.Text())
	}
}

// crash matches lines that no server may write.
var crash = regexp.MustCompile(`(?m)WARNING: DATA RACE|^panic: |^fatal error: |panicked`)

// Log collects the standard error of servers.
type Log struct {
	mu      sync.Mutex
	written bytes.Buffer
	changed chan struct{} // closed and replaced at each write
}

// Write implements io.Writer.
func (l *Log) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.written.Write(data)
}

// Text is the whole text of the log.
func (l *Log) Text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written.String()
}

// Find returns the first match in the log, or "".
func (l *Log) Find(pattern *regexp.Regexp) string {
	return pattern.FindString(l.Text())
}

// Await waits until the log has a match.
func (l *Log) Await(pattern *regexp.Regexp) error {
	deadline := time.After(logWithin)
	for {
		l.mu.Lock()
		changed, found := l.changed, pattern.Match(l.written.Bytes())
		l.mu.Unlock()
		if found {
			return nil
		}
		select {
		case <-changed:
		case <-deadline:
			return fmt.Errorf("the server's log has no match for %q after %s", pattern, logWithin)
		}
	}
}
