//go:build !linux

package main

import (
	"context"
	"fmt"
	"os"
)

// watchProcess returns a channel that closes when the parent has ended; here
// only the parent itself can be watched.
func watchProcess(ctx context.Context, pid int) (<-chan struct{}, error) {
	if ppid := os.Getppid(); pid != ppid && ppid != 1 {
		return nil, fmt.Errorf("--parent-pid %d is not the parent (%d): leave it out, or use 0 for none", pid, ppid)
	}
	return pollParent(ctx, pid), nil
}
