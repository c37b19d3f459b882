package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sirupsen/logrus"
)

// TestMain makes the test's program a worker, too. A job is a word and its argument.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == Command {
		if err := Serve(os.Stdin, os.Stdout, testLimits, work); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(refuseEnv) != "" {
		if err := refuseNamespaces(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// refuseEnv is set for a run of the tests in which no namespaces can be created.
const refuseEnv = "PUSHBOAT_TEST_NO_NAMESPACES"

// noNamespaces is the log line for that case.
const noNamespaces = "no network namespace on this machine"

// testLimits: a job that should end for its processor time may get little of it from a busy
// machine, so its wall time is long.
var testLimits = Limits{Memory: 128 << 20, CPU: 8 * time.Second, Wall: 10 * time.Minute, Output: 1 << 20, Jobs: 3}

// work does what hostile input might make a renderer do.
func work(job []byte, fsys fs.FS) []byte {
	verb, argument, _ := strings.Cut(string(job), " ")
	var got any
	var err error
	switch verb {
	case "read":
		var data []byte
		data, err = fs.ReadFile(fsys, argument)
		got = string(data)
	case "list":
		var entries []fs.DirEntry
		entries, err = fs.ReadDir(fsys, argument)
		got = fmt.Sprint(entries)
	case "open":
		_, err = os.ReadFile(argument)
		got = "opened"
	case "write":
		err = os.WriteFile(argument, []byte("x"), 0o600)
		got = "written"
	case "dial":
		_, err = net.DialTimeout("tcp", argument, time.Second)
		got = "connected"
	case "run":
		got, err = exec.Command(argument).CombinedOutput()
	case "call":
		got, err = call(strings.Fields(argument))
	case "environment":
		got = strings.Join(os.Environ(), " ")
	case "pid":
		got = os.Getpid()
	case "allocate":
		got = allocate()
	case "loop":
		loop()
	case "print":
		got = strings.Repeat("x", 2<<20)
	case "panic":
		panic(argument)
	case "exit":
		os.Exit(7)
	}
	if err != nil {
		return []byte("error: " + err.Error())
	}
	return fmt.Append(nil, got)
}

func allocate() int {
	var kept [][]byte
	for {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 { // each page
			block[i] = 1
		}
		if kept = append(kept, block); len(kept) > 4096 {
			return len(kept)
		}
	}
}

func loop() {
	for i := 0; ; i++ {
		if i < 0 {
			i = 0
		}
	}
}

func newPool(t *testing.T) *Pool {
	t.Helper()
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	pool := NewPool(program, testLimits, logrus.NewEntry(log))
	t.Cleanup(pool.Close)
	return pool
}

func newSession(t *testing.T) *Session {
	t.Helper()
	session := newPool(t).Session("", nil)
	t.Cleanup(session.Close)
	return session
}

func do(t *testing.T, s *Session, job string) string {
	t.Helper()
	output, err := s.Do(context.Background(), files, []byte(job))
	if err != nil {
		t.Fatalf("%s: %v", job, err)
	}
	return string(output)
}

var files = fstest.MapFS{
	"a/b.yaml": {Data: []byte("hello")},
	"large":    {Data: make([]byte, 300<<10)},
}

func TestAnswers(t *testing.T) {
	s := newSession(t)
	for job, want := range map[string]string{
		"read a/b.yaml":         "hello",
		"read a":                "error: read a: invalid argument",
		"read nothing":          "error: read nothing: file does not exist",
		"read ../../etc/passwd": "error: read ../../etc/passwd: invalid argument",
		"list a":                "[- b.yaml]",
	} {
		if got := do(t, s, job); got != want && (job != "read a" || !strings.HasPrefix(got, "error: read a: ")) {
			t.Errorf("%s: %q, want %q", job, got, want)
		}
	}
	if got := do(t, s, "read large"); len(got) != 300<<10 {
		t.Errorf("a large file has %d bytes", len(got))
	}
}

// TestConfinement: the confinement of the worker's process stops everything that a renderer
// could be made to do.
func TestConfinement(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	secret := t.TempDir() + "/secret"
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSession(t)
	if got := do(t, s, "environment"); got != "GOTRACEBACK=none" {
		t.Errorf("the environment is %q", got)
	}
	if got := do(t, s, "write "+secret); !strings.HasPrefix(got, "error: ") {
		t.Errorf("writing a file: %s", got)
	}
	if !canIsolate() {
		t.Log(noNamespaces)
	}
	if !canIsolate() && !canFilter() {
		t.Log("connecting was not tried")
	} else if got := do(t, s, "dial "+listener.Addr().String()); !strings.HasPrefix(got, "error: ") {
		t.Errorf("connecting to the machine's own network: %s", got)
	}
	if !canFilter() {
		t.Log("no filter for calls on this machine: files and programs were not tried")
		return
	}
	for _, job := range []string{"open " + secret, "open /proc/self/environ", "open /etc/passwd", "run /bin/true"} {
		if got := do(t, s, job); !strings.HasPrefix(got, "error: ") {
			t.Errorf("%s: %s", job, got)
		}
	}
	for _, number := range deniedCalls() {
		if got := do(t, s, fmt.Sprint("call ", number)); got != "error: permission denied" {
			t.Errorf("system call %d: %s", number, got)
		}
	}
	// Go's scheduler sends signals to its own process. All other signals are refused.
	for job, want := range map[string]string{
		"call kill 0": "done", "call kill 1": "error: permission denied", "call tgkill 0": "done", "call tgkill 1": "error: permission denied",
		"call clone3": "error: function not implemented", "call fork": "error: permission denied",
	} {
		if got := do(t, s, job); got != want {
			t.Errorf("%s: %s, want %s", job, got, want)
		}
	}
}

// TestLimits: each limit ends the job with an error that names it, and the next job
// runs.
func TestLimits(t *testing.T) {
	for job, want := range map[string]string{
		"allocate": "128 MiB of memory",
		"loop":     "8s of processor time",
		"print":    "more than 1048576 bytes",
	} {
		t.Run(job, func(t *testing.T) {
			s := newSession(t)
			_, err := s.Do(context.Background(), files, []byte(job))
			if !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
			if got := do(t, s, "read a/b.yaml"); got != "hello" {
				t.Errorf("the next job: %q", got)
			}
		})
	}
}

func TestWallTime(t *testing.T) {
	pool := newPool(t)
	pool.limits.Wall = 100 * time.Millisecond
	s := pool.Session("", nil)
	defer s.Close()
	_, err := s.Do(context.Background(), files, []byte("loop"))
	if !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "more than 100ms") {
		t.Errorf("error %v", err)
	}
}

// TestCrashes: the error does not contain the output of a crash, which may have part of a
// secret.
func TestCrashes(t *testing.T) {
	for _, job := range []string{"panic canary", "exit canary"} {
		s := newSession(t)
		_, err := s.Do(context.Background(), files, []byte(job))
		if !errors.Is(err, ErrCrashed) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error %v", job, err)
		}
		if got := do(t, s, "read a/b.yaml"); got != "hello" {
			t.Errorf("the next job: %q", got)
		}
	}
}

func TestEndOfContext(t *testing.T) {
	s := newSession(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	stopped := errors.New("the server stops")
	time.AfterFunc(50*time.Millisecond, func() { cancel(stopped) })
	if _, err := s.Do(ctx, files, []byte("loop")); !errors.Is(err, stopped) {
		t.Errorf("error %v", err)
	}
}

// TestWorkersAreReplaced: within a session, a child does several jobs, up to a limit. No
// child serves two sessions.
func TestWorkersAreReplaced(t *testing.T) {
	pool := newPool(t)
	seen := map[string]int{}
	for range 2 {
		s := pool.Session("", nil)
		for range testLimits.Jobs + 1 {
			seen[do(t, s, "pid")]++
		}
		s.Close()
	}
	if len(seen) != 4 {
		t.Errorf("two sessions of %d jobs had the children %v, want two each", testLimits.Jobs+1, seen)
	}
}

func TestNothingIsLeft(t *testing.T) {
	pool := newPool(t)
	s := pool.Session("", nil)
	if got := do(t, s, "read a/b.yaml"); got != "hello" {
		t.Fatal(got)
	}
	used := s.child.cmd.Process
	s.Close()
	pool.Close()
	if err := used.Signal(syscall.Signal(0)); err == nil {
		t.Error("the child of the session still runs")
	}
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if pool.spare != nil || pool.warming != nil {
		t.Error("a closed pool has a spare child")
	}
}
