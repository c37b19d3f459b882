package server

import (
	"errors"
	"os/exec"
	"syscall"
)

// StartStandby starts a second server on the same data, and does not wait for it.
func (h *Home) StartStandby(flags []string) (err error) {
	if h.Server == nil || h.standby != nil {
		return errors.New("a standby is started once, beside a server")
	}
	h.standby, err = h.spawn(flags)
	return err
}

// Lead returns when the standby serves. From then on the standby is the server.
func (h *Home) Lead() error {
	if h.standby == nil {
		return errors.New("no standby was started")
	}
	h.former, h.Server, h.standby = h.Server, h.standby, nil
	return h.await()
}

// Freeze stops the server's process, so that it can continue later.
func (h *Home) Freeze() error { return h.Server.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen server continue: the former one, if a standby took its place.
func (h *Home) Thaw() error { return h.outgoing().Signal(syscall.SIGCONT) }

// Ended waits until the server has ended by itself, and returns its exit status. If a
// standby took over, it waits for the former server.
func (h *Home) Ended() (int, error) {
	return exitStatus(h.outgoing().child.Stop(syscall.Signal(0), stopWithin))
}

// exitStatus is the exit status of a program from its error; -1 means that a signal ended
// it.
func exitStatus(ending error) (int, error) {
	if exit, ok := errors.AsType[*exec.ExitError](ending); ok {
		return exit.ExitCode(), nil
	}
	return 0, ending
}

func (h *Home) outgoing() *Process {
	if h.former != nil {
		return h.former
	}
	return h.Server
}

// endOthers kills the standby and the former server.
func (h *Home) endOthers() {
	for _, srv := range []*Process{h.standby, h.former} {
		if srv.Running() {
			_ = srv.Stop(syscall.SIGKILL)
		}
	}
}
