package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// watchProcess returns a channel that closes when the process pid has ended. If the
// process is already gone, that is no error: the channel is closed.
func watchProcess(ctx context.Context, pid int) (<-chan struct{}, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	switch {
	case err == nil:
	case errors.Is(err, unix.ESRCH):
		return closed(), nil
	case pid == os.Getppid():
		return pollParent(ctx, pid), nil // an old kernel, or a sandbox that forbids pidfds
	default:
		return nil, fmt.Errorf("watch --parent-pid %d: %w; use the process that starts devcluster, or 0 for none", pid, err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		defer func() { _ = unix.Close(fd) }()
		waitReadable(fd)
	}()
	return gone, nil
}

// waitReadable blocks until fd, a pidfd, is readable: its process has ended.
func waitReadable(fd int) {
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
