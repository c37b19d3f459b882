package main

import (
	"context"
	"os"
	"time"
)

// parentPoll is the interval for checking the parent where the kernel cannot report its
// end.
const parentPoll = 250 * time.Millisecond

// endWithParent calls end when the process pid ends; with pid 0 never.
//
// Linux's PR_SET_PDEATHSIG is not used: it fires when the thread that forked us
// ends, and a Go program's threads come and go.
func endWithParent(ctx context.Context, pid int, end func()) error {
	if pid == 0 {
		return nil
	}
	gone, err := watchProcess(ctx, pid)
	if err != nil {
		return err
	}
	go func() {
		select {
		case <-gone:
			end()
		case <-ctx.Done():
		}
	}()
	return nil
}

// pollParent closes the channel once this process has another parent than pid: the
// kernel reparents orphans to init or to the nearest subreaper at once, even if nobody
// has reaped the dead parent yet.
func pollParent(ctx context.Context, pid int) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(parentPoll)
		defer tick.Stop()
		for os.Getppid() == pid {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return gone
}
