package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pushboat/pushboat/test/child"
)

// How long a program may take to become ready, and to stop. devcluster is ready after 5
// to 10 s on two idle cores, so a minute means that it hangs. A server that stops waits
// for running pushes.
const (
	readyWithin = 90 * time.Second
	stopWithin  = 30 * time.Second
)

// program is a child that serves in the background and logs to a file.
type program struct {
	*child.Process
	log *os.File // its output
}

// start runs a program of the project and waits for its line "ready".
func (d *demo) start(ctx context.Context, name string, args ...string) error {
	path := filepath.Join(d.bin, name)
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("find %s: %w; `make demo` builds it", name, err)
	}
	log, err := os.Create(d.path(name + ".log"))
	if err != nil {
		return fmt.Errorf("make the log of %s: %w", name, err)
	}

	cmd := exec.Command(path, args...)
	cmd.Stderr = log // written by the child itself
	// The child gets its own process group: Ctrl-C in the terminal reaches only the
	// demo, which then stops its children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	started, err := child.Start(cmd, log)
	if err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	d.programs = append(d.programs, &program{started, log})
	return started.Ready(ctx, readyWithin)
}

// stop asks the program to end and kills it after a while. It returns an error only if
// the program had to be killed or had already ended by itself.
func (p *program) stop() error {
	defer p.log.Close()
	if !p.Running() {
		return fmt.Errorf("%s had ended by itself: %w", p.Name(), p.Ending())
	}
	var exit *exec.ExitError
	if err := p.Stop(syscall.SIGTERM, stopWithin); !errors.As(err, &exit) {
		return err
	}
	return nil
}

// tail returns the end of the program's log, under its name.
func (p *program) tail(n int) string {
	data, err := os.ReadFile(p.log.Name())
	if err != nil {
		return fmt.Sprintf("%s: its log cannot be read: %v", p.Name(), err)
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return fmt.Sprintf("the last lines of %s:\n  %s", p.log.Name(), strings.Join(lines, "\n  "))
}
