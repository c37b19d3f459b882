package script

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// How long things may take on a machine that is very busy. A script that
// reaches one of them fails.
const (
	readyWithin = time.Minute
	stopWithin  = time.Minute
	logWithin   = time.Minute
)

// server is a running pushboat serve, or one that has ended.
type server struct {
	flags []string
	cmd   *exec.Cmd
	log   *logBook      // of all servers that the script has started
	asked bool          // to stop, with nobody waiting yet
	done  chan struct{} // closed when it has ended
	err   error         // how it ended; read after done is closed
}

// startServer starts the server with its usual flags and those given, and
// waits until it is ready.
func (s *stage) startServer(flags []string) error {
	srv := &server{flags: flags, log: &logBook{changed: make(chan struct{})}, done: make(chan struct{})}
	if s.server != nil {
		srv.log = s.server.log
	}
	args := []string{
		"serve", "--data", s.path("data"), "--ssh", "127.0.0.1:0", "--http", "127.0.0.1:0",
		"--kubeconfig", s.path("kubeconfig"), "--admin-key", s.path("ssh", "ana.key.pub"),
		"--keys", s.path("keys"),
	}
	srv.cmd = exec.Command(filepath.Join(s.programs, "pushboat"), append(args, flags...)...)
	srv.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.path("home"), "TMPDIR=" + s.path("home"),
		"GORACE=atexit_sleep_ms=0",
	}
	srv.cmd.Stderr = srv.log
	srv.cmd.WaitDelay = time.Second // for children that a killed server leaves
	out, err := srv.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := srv.cmd.Start(); err != nil {
		return err
	}
	s.server = srv
	if err := srv.awaitReady(out); err != nil {
		return err
	}
	return s.findServer()
}

// awaitReady reads the server's output until the line "ready".
func (srv *server) awaitReady(out io.Reader) error {
	ready := make(chan struct{})
	go func() {
		defer close(srv.done)
		lines := bufio.NewScanner(out)
		for said := false; lines.Scan(); {
			if !said && lines.Text() == "ready" {
				said = true
				close(ready)
			}
		}
		srv.err = srv.cmd.Wait()
	}()
	select {
	case <-ready:
		return nil
	case <-srv.done:
		return fmt.Errorf("the server ended before it was ready: %w", srv.ending())
	case <-time.After(readyWithin):
		return fmt.Errorf("the server is not ready after %s", readyWithin)
	}
}

// findServer reads where the server listens, and tells ssh.
func (s *stage) findServer() error {
	data, err := os.ReadFile(s.path("data", "run", "ssh.addr"))
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(strings.TrimSpace(string(data)))
	if err != nil {
		return err
	}
	return s.point(host, port)
}

// running reports whether the server was started and has not ended.
func (srv *server) running() bool {
	if srv == nil {
		return false
	}
	select {
	case <-srv.done:
		return false
	default:
		return true
	}
}

// signal sends the server a signal.
func (srv *server) signal(signal syscall.Signal) error {
	if !srv.running() {
		return errors.New("the server does not run")
	}
	return srv.cmd.Process.Signal(signal)
}

// stop signals the server and waits until it has ended.
func (srv *server) stop(signal syscall.Signal) error {
	if srv == nil || !srv.asked {
		if err := srv.signal(signal); err != nil {
			return err
		}
	}
	select {
	case <-srv.done:
	case <-time.After(stopWithin):
		return fmt.Errorf("the server did not stop within %s", stopWithin)
	}
	if signal == syscall.SIGKILL {
		return nil
	}
	return srv.err
}

func (srv *server) ending() error {
	if srv.err == nil {
		return errors.New("exit status 0")
	}
	return srv.err
}

// endServer stops the server after the script, and holds it to having run
// well. A script that failed shows the server's log.
func (s *stage) endServer() {
	if s.server == nil {
		return
	}
	if s.server.running() {
		signal := syscall.SIGTERM
		if s.t.Failed() {
			signal = syscall.SIGKILL
		}
		if err := s.server.stop(signal); err != nil {
			s.t.Errorf("stop the server after the script: %v", err)
			_ = s.server.cmd.Process.Kill() // it may have ended meanwhile
		}
	}
	if trouble := s.server.log.find(crash); trouble != "" {
		s.t.Errorf("the server's log has %q", trouble)
	}
	if s.t.Failed() {
		s.t.Logf("the server's log:\n%s", s.server.log.text())
	}
}

// crash is what no server may say.
var crash = regexp.MustCompile(`(?m)WARNING: DATA RACE|^panic: |^fatal error: |panicked`)

// logBook collects what servers write to standard error.
type logBook struct {
	mu      sync.Mutex
	written bytes.Buffer
	changed chan struct{} // closed and replaced at each write
}

func (l *logBook) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.written.Write(data)
}

func (l *logBook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written.String()
}

func (l *logBook) find(pattern *regexp.Regexp) string {
	return pattern.FindString(l.text())
}

// await waits until the log has a match.
func (l *logBook) await(pattern *regexp.Regexp) error {
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
