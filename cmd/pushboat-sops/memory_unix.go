//go:build unix

package main

import "syscall"

// maxMemory bounds the program's memory, in bytes: a YAML file can be made to expand
// without end (CVE-2019-11253).
const maxMemory = 1 << 30

func limitMemory() error {
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: maxMemory, Max: maxMemory})
}
