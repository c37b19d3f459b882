//go:build !linux

package worker

import "syscall"

// isolated is nil where a child cannot have a network of its own.
func isolated() *syscall.SysProcAttr { return nil }
