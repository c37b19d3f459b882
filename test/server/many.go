package server

import (
	"context"
	"time"
)

// Spawn starts a server on the folder's data with its usual flags and the given ones, and
// does not wait for it. Unlike a server of Start, it has a log of its own, and the caller
// ends it. It is for tests that run any number of servers.
func (h *Home) Spawn(flags []string) (*Process, error) {
	return (&Home{Dir: h.Dir, Programs: h.Programs}).spawn(flags)
}

// Serves returns when the server serves. It returns an error if the server ends before, as
// a standby may after hours, or if it does not serve within the given time.
func (srv *Process) Serves(within time.Duration) error {
	return srv.child.Ready(context.Background(), within)
}

// Wait waits until the server has ended, and returns its exit status; -1 means that a
// signal ended it.
func (srv *Process) Wait() (int, error) { return exitStatus(srv.child.Wait()) }

// PID is the server's process ID.
func (srv *Process) PID() int { return srv.child.Cmd.Process.Pid }

// Crash returns a line of the server's log that no server may write; "" if there is none.
func (srv *Process) Crash() string { return srv.log.Find(crash) }
