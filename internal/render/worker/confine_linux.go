//go:build amd64 || arm64

package worker

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"
)

// The constants of prctl(2), seccomp(2) and their filters (linux/seccomp.h,
// linux/filter.h).
const (
	prSetNoNewPrivs = 38

	seccompFilter  = 1
	seccompThreads = 1 // flag: all threads of the process

	loadWord     = 0x20 // of the call, at an offset
	jumpIfEqual  = 0x15
	jumpIfLarger = 0x35 // or equal
	decide       = 0x06

	allowed = 0x7fff0000
	refused = 0x00050000 | uint32(syscall.EACCES)

	offsetOfCall = 0
	offsetOfArch = 4

	firstForeign = 0x40000000 // where the numbers of x32 begin, which are other names for the same calls
)

// denied are the calls that a renderer has no use for: whatever opens or changes
// a file, speaks to another process or to a network, or starts a program. New
// ways to open files (open_tree and what came after it) have the same numbers
// everywhere.
var denied = append([]uint32{
	syscall.SYS_OPENAT, syscall.SYS_MKDIRAT, syscall.SYS_MKNODAT, syscall.SYS_UNLINKAT, syscall.SYS_RENAMEAT,
	syscall.SYS_LINKAT, syscall.SYS_SYMLINKAT, syscall.SYS_TRUNCATE, syscall.SYS_FCHMODAT, syscall.SYS_FCHOWNAT,
	syscall.SYS_SOCKET, syscall.SYS_SOCKETPAIR, syscall.SYS_CONNECT, syscall.SYS_BIND,
	syscall.SYS_EXECVE, syscall.SYS_PTRACE, syscall.SYS_MOUNT, syscall.SYS_UMOUNT2, syscall.SYS_CHROOT,
	syscall.SYS_UNSHARE, syscall.SYS_KEYCTL, syscall.SYS_ADD_KEY, syscall.SYS_REQUEST_KEY,
	425, 426, 427, // io_uring_setup, io_uring_enter, io_uring_register
	428, 430, 437, // open_tree, fsopen, openat2
}, deniedHere...)

// instruction is one of a filter (struct sock_filter).
type instruction struct {
	code     uint16
	yes, no  uint8 // instructions to pass over
	constant uint32
}

// filter refuses the denied calls, and all of another architecture.
func filter() []instruction {
	program := []instruction{
		{loadWord, 0, 0, offsetOfArch},
		{jumpIfEqual, 1, 0, architecture},
		{decide, 0, 0, refused},
		{loadWord, 0, 0, offsetOfCall},
		{jumpIfLarger, 0, 1, firstForeign},
		{decide, 0, 0, refused},
	}
	for _, call := range denied {
		program = append(program, instruction{jumpIfEqual, 0, 1, call}, instruction{decide, 0, 0, refused})
	}
	return append(program, instruction{decide, 0, 0, allowed})
}

// confine takes the denied calls away from every thread of the process, for good.
// A kernel without filters for calls is not an error: then the renderers only
// have no code that would make them.
func confine() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("give up new privileges: %w", errno)
	}
	program := filter()
	described := struct {
		length uint16
		first  *instruction
	}{uint16(len(program)), &program[0]} //nolint:gosec // below a hundred
	_, _, errno := syscall.RawSyscall(sysSeccomp, seccompFilter, seccompThreads, uintptr(unsafe.Pointer(&described)))
	runtime.KeepAlive(program)
	if errno != 0 && errno != syscall.ENOSYS && errno != syscall.EINVAL {
		return fmt.Errorf("give up files, network and programs: %w", errno)
	}
	return nil
}
