package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pushboat/pushboat/test/child"
)

// How long the server may take until it is ready, and until it has stopped.
const (
	readyWithin = 2 * time.Minute
	stopWithin  = time.Minute
)

// server is a running pushboat serve.
type server struct{ *child.Process }

// startServer starts the server, and returns the time until the server reported that it is
// ready.
func (l *lab) startServer(ctx context.Context) (time.Duration, error) {
	log, err := os.OpenFile(l.path("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer log.Close() // the child has a descriptor of its own
	if err := os.WriteFile(l.path("config.yaml"), []byte("debug: {address: \"127.0.0.1:0\"}\nmetrics: {address: \"127.0.0.1:0\"}\n"+l.config), 0o600); err != nil {
		return 0, err
	}
	cmd := exec.Command(filepath.Join(l.settings.bin, "pushboat"), "serve", "--config", l.path("config.yaml"),
		"--data", l.path("data"), "--ssh", "127.0.0.1:0", "--http", "127.0.0.1:0",
		"--kubeconfig", cmp.Or(l.kubeconfig, l.cluster.Kubeconfig), "--admin-key", l.path("key.pub"))
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	start := time.Now()
	started, err := child.Start(cmd, nil)
	if err != nil {
		return 0, fmt.Errorf("start the server: %w; run make build first", err)
	}
	l.server = &server{started}
	if err := started.Ready(ctx, readyWithin); err != nil {
		return 0, fmt.Errorf("%w; its log is %s", err, l.path("server.log"))
	}
	return time.Since(start), nil
}

// stop ends the server in good order.
func (s *server) stop() error { return s.Stop(syscall.SIGTERM, stopWithin) }

// cpu is the processor time that the server has used so far. It is the sum over its
// threads, which has nanoseconds; Go rarely ends threads.
func (s *server) cpu() (time.Duration, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.Cmd.Process.Pid))
	if err != nil || len(tasks) == 0 {
		return 0, errors.Join(err, errors.New("the server's processor time is not in /proc"))
	}
	var sum time.Duration
	for _, task := range tasks {
		data, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		ran, _, _ := strings.Cut(string(data), " ")
		ns, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", task, err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// resident returns the server's memory in MiB as the kernel counts it: at present, and at
// its peak.
func (s *server) resident() (now, peak float64, err error) {
	if now, err = s.status("VmRSS"); err != nil {
		return 0, 0, err
	}
	peak, err = s.status("VmHWM")
	return now, peak, err
}

// ofFile is the part of the resident memory, in MiB, that consists of pages of the
// program's file. The kernel shares these pages between processes, and drops them when
// memory is short.
func (s *server) ofFile() (float64, error) { return s.status("RssFile") }

// status reads a line of the server's status in /proc, in MiB.
func (s *server) status(name string) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, name+": %f kB", &kib); n == 1 {
			return kib / 1024, nil
		}
	}
	return 0, fmt.Errorf("%s is missing from the server's status in /proc", name)
}
