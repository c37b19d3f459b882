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

// terminal is the terminal where somebody watches the demo. The zero terminal is none:
// the demo runs in a script, and never pauses.
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

// take puts the demo into its own process group in the terminal's foreground, as shells
// do for their jobs. So Ctrl-C ends the demo, and not make, which would call that a
// failure.
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
		return nil // it belongs to somebody else, or only to the demo already
	}
	signal.Ignore(syscall.SIGTTOU) // otherwise a background group may not take the terminal
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

// listen begins to read lines. Call it once.
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

// errStopped says that the user has stopped the demo.
var errStopped = errors.New("stopped")

// pause waits for Enter, to give the user time to read. It returns errStopped after
// Ctrl-C or the end of the input.
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
