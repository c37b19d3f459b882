package server

import (
	"context"
	"time"
)

// Spawn starts a server on the folder's data with its usual flags and those given, and
// waits for nothing. Unlike the one of Start, its log is its own, and the caller ends it:
// for tests that run as many as they like.
func (h *Home) Spawn(flags []string) (*Process, error) {
	return (&Home{Dir: h.Dir, Programs: h.Programs}).spawn(flags)
}

// Serves returns when the server serves. It is an error if it ends before, as a standby
// may after hours, or if it takes longer than within.
func (srv *Process) Serves(within time.Duration) error {
	return srv.child.Ready(context.Background(), within)
}

// Wait waits until the server has ended, and returns its exit status; -1: a signal ended it.
func (srv *Process) Wait() (int, error) { return exitStatus(srv.child.Wait()) }

// PID is the number of the process.
func (srv *Process) PID() int { return srv.child.Cmd.Process.Pid }

// Crash is a line in the server's log that no server may write; "" for none.
func (srv *Process) Crash() string { return srv.log.Find(crash) }
