// Package child runs the project's programs as child processes. Programs that serve print a
// line "ready" on standard output, and end when they are asked to.
package child

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Process is a program that was started. It may have ended.
type Process struct {
	Cmd *exec.Cmd

	ready chan struct{} // closed when the program has printed the line "ready"
	done  chan struct{} // closed when the program has ended
	err   error         // how the program ended; may be read after done is closed
}

// Start starts a program whose standard output is not set. Its lines are also written to
// out, unless out is nil.
func Start(cmd *exec.Cmd, out io.Writer) (*Process, error) {
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if out == nil {
		out = io.Discard
	}
	p := &Process{Cmd: cmd, ready: make(chan struct{}), done: make(chan struct{})}
	go p.follow(stdout, out)
	return p, nil
}

// follow reads the program's output to its end, and then waits for the program. Only follow
// calls Wait.
func (p *Process) follow(stdout io.Reader, out io.Writer) {
	defer close(p.done)
	lines := bufio.NewScanner(stdout)
	for said := false; lines.Scan(); {
		fmt.Fprintln(out, lines.Text())
		if !said && lines.Text() == "ready" {
			said = true
			close(p.ready)
		}
	}
	_, _ = io.Copy(io.Discard, stdout) // after a line too long to scan
	p.err = p.Cmd.Wait()
}

// Ready returns when the program has reported that it is ready. It returns an error if the
// program ends before, or is not ready within the given time.
func (p *Process) Ready(ctx context.Context, within time.Duration) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.ready:
		return nil
	case <-p.done:
		return fmt.Errorf("%s ended before it was ready: %w", p.Name(), p.Ending())
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("%s is not ready after %s", p.Name(), within)
	}
}

// Running reports whether the program is still running.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Stop sends the program a signal, and waits at most the given time until the program has
// ended. Then it kills the program. It returns how the program ended; nil is a good end.
func (p *Process) Stop(signal syscall.Signal, within time.Duration) error {
	if p.Running() {
		err := p.Cmd.Process.Signal(signal)
		if err != nil && !errors.Is(err, os.ErrProcessDone) && p.Running() { // it may just have ended
			return fmt.Errorf("stop %s: %w", p.Name(), err)
		}
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.err
	case <-timer.C:
	}
	err := fmt.Errorf("%s had to be killed: it did not stop within %s", p.Name(), within)
	if kill := p.Cmd.Process.Kill(); kill != nil {
		return errors.Join(err, kill)
	}
	<-p.done
	return err
}

// Wait waits until the program has ended, and returns how.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Ending is the end of a program that should still be running. It is never nil.
func (p *Process) Ending() error {
	if err := p.Wait(); err != nil {
		return err
	}
	return errors.New("exit status 0")
}

// Name is the program's name without its folder.
func (p *Process) Name() string { return filepath.Base(p.Cmd.Path) }
