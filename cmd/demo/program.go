package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
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
	name string
	log  *os.File // what it wrote
	cmd  *exec.Cmd
	done chan struct{} // closed when it ended
	err  error         // how it ended; read after done is closed
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
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	p := &program{name: name, log: log, cmd: cmd, done: make(chan struct{})}
	d.programs = append(d.programs, p)
	return p.awaitReady(ctx, stdout)
}

// awaitReady reads the program's output until the line "ready", and goes on
// draining it after that. It is the one place that waits for the process.
func (p *program) awaitReady(ctx context.Context, stdout io.Reader) error {
	ready := make(chan struct{})
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(stdout)
		for said := false; lines.Scan(); {
			fmt.Fprintln(p.log, lines.Text())
			if !said && lines.Text() == "ready" {
				said = true
				close(ready)
			}
		}
		_, _ = io.Copy(io.Discard, stdout) // a line too long to scan
		p.err = errors.Join(p.cmd.Wait(), p.log.Close())
	}()
	select {
	case <-ready:
		return nil
	case <-p.done:
		return fmt.Errorf("%s ended before it was ready: %w", p.name, endOf(p.err))
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(readyWithin):
		return fmt.Errorf("%s is not ready after %s", p.name, readyWithin)
	}
}

// stop asks the program to end and insists after a while. How it ended is an
// error only if it had to be killed or had ended by itself before.
func (p *program) stop() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s had ended by itself: %w", p.name, endOf(p.err))
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(stopWithin):
	}
	err := fmt.Errorf("%s had to be killed, it did not stop within %s", p.name, stopWithin)
	if kill := p.cmd.Process.Kill(); kill != nil {
		return errors.Join(err, kill)
	}
	<-p.done
	return err
}

// tail is the end of what the program logged, under its name.
func (p *program) tail(n int) string {
	data, err := os.ReadFile(p.log.Name())
	if err != nil {
		return fmt.Sprintf("%s: its log cannot be read: %v", p.name, err)
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return fmt.Sprintf("the last lines of %s:\n  %s", p.log.Name(), strings.Join(lines, "\n  "))
}

// endOf gives an ending without an error its words.
func endOf(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}
