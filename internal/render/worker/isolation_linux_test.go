//go:build amd64 || arm64

package worker

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
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

// deniedCalls are the numbers of the calls that no child can make.
func deniedCalls() []uint32 { return denied }

// call makes a system call, whose arguments are zero: of a denied number, or one
// of those that depend on their argument. For kill and tgkill the word after it
// is added to the process id.
func call(words []string) (string, error) {
	var number, first, second uintptr
	switch words[0] {
	case "kill", "tgkill":
		other, err := strconv.Atoi(words[1])
		if err != nil {
			return "", err
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		number, first = syscall.SYS_KILL, uintptr(os.Getpid()+other)
		if words[0] == "tgkill" {
			number, second = syscall.SYS_TGKILL, uintptr(syscall.Gettid())
		}
	case "clone3":
		number = callClone3
	case "fork":
		number, first = syscall.SYS_CLONE, uintptr(syscall.SIGCHLD)
	default:
		n, err := strconv.Atoi(words[0])
		if err != nil {
			return "", err
		}
		number = uintptr(n)
	}
	if _, _, errno := syscall.RawSyscall(number, first, second, 0); errno != 0 {
		return "", errno
	}
	return "done", nil
}
