package worker

import (
	"os"
	"strings"
)

// canIsolate reports whether the machine gives a child a network of its own.
func canIsolate() bool {
	program, err := Program()
	if err != nil {
		return false
	}
	child, err := start(program, testLimits, true)
	if err != nil {
		return false
	}
	child.end()
	return true
}

// canFilter reports whether the kernel has filters for calls.
func canFilter() bool {
	text, err := os.ReadFile("/proc/self/status")
	return err == nil && strings.Contains(string(text), "Seccomp_filters:")
}
