//go:build amd64 || arm64

package worker

import (
	"fmt"
	"os"
	"runtime"
	"slices"
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
	jumpIfSet    = 0x45 // any bit of the constant
	decide       = 0x06

	allowed  = 0x7fff0000
	refused  = 0x00050000 | uint32(syscall.EACCES)
	notThere = 0x00050000 | uint32(syscall.ENOSYS)

	offsetOfCall  = 0
	offsetOfArch  = 4
	offsetOfFirst = 16 // argument; its lower half, as both architectures are little-endian

	firstForeign = 0x40000000 // where the numbers of x32 begin, which are other names for the same calls

	threadOfMine = 0x10000 // CLONE_THREAD, of clone(2)
	callClone3   = 435
)

// denied are the system calls that a renderer never needs: those that open or change a
// file, talk to another process or to a network, or start a program. Calls from number
// 424 on have the same number on every architecture.
var denied = slices.Concat(deniedFiles, deniedProcesses, deniedKernel, deniedHere)

// deniedFiles open, create, change or mount files.
var deniedFiles = []uint32{
	syscall.SYS_OPENAT, syscall.SYS_MKDIRAT, syscall.SYS_MKNODAT, syscall.SYS_UNLINKAT, syscall.SYS_RENAMEAT,
	syscall.SYS_LINKAT, syscall.SYS_SYMLINKAT, syscall.SYS_TRUNCATE, syscall.SYS_FCHMODAT, syscall.SYS_FCHOWNAT,
	syscall.SYS_UTIMENSAT, syscall.SYS_SETXATTR, syscall.SYS_LSETXATTR, syscall.SYS_REMOVEXATTR, syscall.SYS_LREMOVEXATTR,
	syscall.SYS_MOUNT, syscall.SYS_UMOUNT2, syscall.SYS_CHROOT, syscall.SYS_PIVOT_ROOT,
	425, 426, 427, // io_uring_setup, io_uring_enter, io_uring_register
	428, 429, 430, 431, 432, 433, // open_tree, move_mount, fsopen, fsconfig, fsmount, fspick
	437, 442, 452, 467, // openat2, mount_setattr, fchmodat2, open_tree_attr
}

// deniedProcesses reach other processes, their memory, files or network, or change how
// they run. For signals, see ownOnly.
var deniedProcesses = []uint32{
	syscall.SYS_SOCKET, syscall.SYS_SOCKETPAIR, syscall.SYS_CONNECT, syscall.SYS_BIND,
	syscall.SYS_SHMGET, syscall.SYS_SHMAT, syscall.SYS_MSGGET, syscall.SYS_SEMGET, syscall.SYS_MQ_OPEN,
	syscall.SYS_EXECVE, syscall.SYS_PTRACE, syscall.SYS_UNSHARE,
	syscall.SYS_TKILL, syscall.SYS_RT_SIGQUEUEINFO, syscall.SYS_RT_TGSIGQUEUEINFO,
	syscall.SYS_PRLIMIT64, syscall.SYS_SETPRIORITY, syscall.SYS_IOPRIO_SET,
	syscall.SYS_SCHED_SETSCHEDULER, syscall.SYS_SCHED_SETPARAM, syscall.SYS_SCHED_SETAFFINITY,
	syscall.SYS_MOVE_PAGES, syscall.SYS_MIGRATE_PAGES,
	424, 434, 438, // pidfd_send_signal, pidfd_open, pidfd_getfd
	440, 448, // process_madvise, process_mrelease
}

// deniedKernel reach into the kernel itself.
var deniedKernel = []uint32{
	syscall.SYS_KEYCTL, syscall.SYS_ADD_KEY, syscall.SYS_REQUEST_KEY, syscall.SYS_PERF_EVENT_OPEN,
	syscall.SYS_INIT_MODULE, syscall.SYS_DELETE_MODULE, syscall.SYS_KEXEC_LOAD, syscall.SYS_REBOOT,
}

// ownOnly are the calls whose first argument must be the process itself: Go's scheduler
// interrupts its own threads with them, and a crash ends its own process.
var ownOnly = []uint32{syscall.SYS_KILL, syscall.SYS_TGKILL}

// instruction is one of a filter (struct sock_filter).
type instruction struct {
	code     uint16
	yes, no  uint8 // instructions to skip
	constant uint32
}

// filter refuses the denied calls, and every call of another architecture. pid is the
// process that the filter is for.
func filter(pid uint32) []instruction {
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
	for _, call := range ownOnly {
		program = append(program, unless(call, instruction{jumpIfEqual, 1, 0, pid})...)
	}
	// clone creates threads and processes. A filter cannot see the arguments of clone3,
	// so it refuses the call, and callers fall back to clone.
	program = append(program, unless(syscall.SYS_CLONE, instruction{jumpIfSet, 1, 0, threadOfMine})...)
	program = append(program, instruction{jumpIfEqual, 0, 1, callClone3}, instruction{decide, 0, 0, notThere})
	return append(program, instruction{decide, 0, 0, allowed})
}

// unless refuses a call unless its first argument passes a test: an instruction that
// then skips the next one.
func unless(call uint32, test instruction) []instruction {
	return []instruction{
		{jumpIfEqual, 0, 4, call},
		{loadWord, 0, 0, offsetOfFirst},
		test,
		{decide, 0, 0, refused},
		{decide, 0, 0, allowed},
	}
}

// confine takes the denied calls away from every thread of the process, for good. A
// kernel without filters for calls is not an error: then renderers merely have no code
// that would make the calls.
func confine() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("give up new privileges: %w", errno)
	}
	program := filter(uint32(os.Getpid())) //nolint:gosec // a process id is positive
	described := struct {
		length uint16
		first  *instruction
	}{uint16(len(program)), &program[0]} //nolint:gosec // below three hundred
	_, _, errno := syscall.RawSyscall(sysSeccomp, seccompFilter, seccompThreads, uintptr(unsafe.Pointer(&described)))
	runtime.KeepAlive(program)
	if errno != 0 && errno != syscall.ENOSYS && errno != syscall.EINVAL {
		return fmt.Errorf("give up files, network and programs: %w", errno)
	}
	return nil
}
