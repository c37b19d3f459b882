//go:build amd64 || arm64

package worker

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// canIsolate reports whether the machine allows a child a network of its own.
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

// call makes a system call whose arguments are zero. Its number is denied, or depends on an
// argument. For kill and tgkill, the word after the number is added to the process ID.
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

// newNamespaces are the flags of clone(2) that create namespaces (CLONE_NEW*).
const newNamespaces = 0x7e020000

// refuseNamespaces keeps this process, and its children, from creating namespaces, as
// the default seccomp profile of container runtimes does to an unprivileged pod.
func refuseNamespaces() error {
	const (
		notPermitted = 0x00050000 | uint32(syscall.EPERM)
		callUnshare  = uint32(syscall.SYS_UNSHARE)
	)
	program := []instruction{
		{loadWord, 0, 0, offsetOfCall},
		{jumpIfEqual, 0, 1, callUnshare},
		{decide, 0, 0, notPermitted},
		{jumpIfEqual, 0, 1, callClone3},
		{decide, 0, 0, notThere},
		{jumpIfEqual, 0, 3, syscall.SYS_CLONE},
		{loadWord, 0, 0, offsetOfFirst},
		{jumpIfSet, 0, 1, newNamespaces},
		{decide, 0, 0, notPermitted},
		{decide, 0, 0, allowed},
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("give up new privileges: %w", errno)
	}
	described := struct {
		length uint16
		first  *instruction
	}{uint16(len(program)), &program[0]} //nolint:gosec // ten
	_, _, errno := syscall.RawSyscall(sysSeccomp, seccompFilter, seccompThreads, uintptr(unsafe.Pointer(&described)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return fmt.Errorf("refuse namespaces: %w", errno)
	}
	return nil
}

// TestConfinementWithoutNamespaces: in a pod, where no namespace can be created, every
// other barrier stands.
func TestConfinementWithoutNamespaces(t *testing.T) {
	if !canFilter() {
		t.Skip("no filter for calls on this machine")
	}
	confined := exec.Command(os.Args[0], "-test.run", "^TestConfinement$", "-test.v")
	confined.Env = append(os.Environ(), refuseEnv+"=1")
	output, err := confined.CombinedOutput()
	if err != nil || !strings.Contains(string(output), noNamespaces) {
		t.Errorf("%v, and no line %q:\n%s", err, noNamespaces, output)
	}
}
