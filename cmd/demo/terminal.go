package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal is the terminal that the demo is watched at. The zero terminal is none:
// the demo runs in a script, and pauses nowhere.
type terminal struct {
	in     *os.File // nil: there is none
	lines  chan struct{}
	former int // the process group that had the terminal; 0: the demo has not taken it
}

// openTerminal returns the terminal at which somebody reads, if the demo has one.
func openTerminal() *terminal {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		return &terminal{}
	}
	return &terminal{in: os.Stdin, lines: make(chan struct{})}
}

// take puts the demo into a process group of its own, which has the terminal, as
// shells do for their jobs: so Ctrl-C ends the demo, and not make, which would call
// that a failure.
func (t *terminal) take() error {
	if t.in == nil {
		return nil
	}
	fd := int(t.in.Fd())
	former, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	if err != nil {
		return fmt.Errorf("ask who has the terminal: %w", err)
	}
	session, err := unix.Getsid(0)
	if err != nil {
		return fmt.Errorf("ask for the session: %w", err)
	}
	if former != unix.Getpgrp() || session == unix.Getpid() {
		return nil // it is somebody else's, or the demo's alone already
	}
	signal.Ignore(syscall.SIGTTOU) // a group without the terminal may not take it otherwise
	if err := unix.Setpgid(0, 0); err != nil {
		return fmt.Errorf("make a process group: %w", err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, unix.Getpgrp()); err != nil {
		return fmt.Errorf("take the terminal: %w", err)
	}
	t.former = former
	return nil
}

// give gives the terminal back.
func (t *terminal) give() {
	if t.former != 0 {
		_ = unix.IoctlSetPointerInt(int(t.in.Fd()), unix.TIOCSPGRP, t.former) // the group may be gone
	}
}

// listen begins to read lines. It is to be called once.
func (t *terminal) listen() {
	if t.in == nil {
		return
	}
	go func() {
		defer close(t.lines)
		for read := bufio.NewReader(t.in); ; {
			if _, err := read.ReadString('\n'); err != nil {
				return
			}
			t.lines <- struct{}{}
		}
	}()
}

// errStopped says that whoever watches has had enough.
var errStopped = errors.New("stopped")

// pause waits for Enter, so that one can read. It is errStopped after Ctrl-C or the
// end of the input.
func (t *terminal) pause(ctx context.Context, say func(string, ...any)) error {
	if t.in == nil {
		return nil
	}
	say("\n-- Enter goes on, Ctrl-C stops --")
	select {
	case _, ok := <-t.lines:
		if !ok {
			return errStopped
		}
		return nil
	case <-ctx.Done():
		return errStopped
	}
}
