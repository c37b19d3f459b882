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

// How long a program may take to say that it is ready, and to stop when asked
// to. devcluster is ready after 5 to 10 s on two idle cores, so a minute means
// that it hangs. The server waits for pushes that run when it is stopped.
const (
	readyWithin = 90 * time.Second
	stopWithin  = 30 * time.Second
)

// program is a child that serves in the background and logs to a file.
type program struct {
	*child.Process
	log *os.File // what it wrote
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
	// A group of its own: Ctrl-C in the terminal reaches the demo alone,
	// which then stops its children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	started, err := child.Start(cmd, log)
	if err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	d.programs = append(d.programs, &program{started, log})
	return started.Ready(ctx, readyWithin)
}

// stop asks the program to end and insists after a while. How it ended is an
// error only if it had to be killed or had ended by itself before.
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

// tail is the end of what the program logged, under its name.
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
