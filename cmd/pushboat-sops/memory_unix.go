//go:build unix

package main

import "syscall"

// maxMemory is what the program may take, in bytes: a file of YAML can be made to
// expand without end (CVE-2019-11253).
const maxMemory = 1 << 30

func limitMemory() error {
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: maxMemory, Max: maxMemory})
}
