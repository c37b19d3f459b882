package app

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseProgram gives back the pages of the program's own file that are mapped: most of
// them only the start has read, tables of kinds and unused code. What is needed again is
// mapped again from the page cache, 64 KiB at a time. Pages that can be written are left.
// It returns how many bytes of addresses it has gone through.
func releaseProgram() (released int) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return 0
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return 0
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		from, length, ok := programPages(lines.Text(), program)
		if ok && dropPages(from, length) == nil {
			released += int(length)
		}
	}
	return released
}

// programPages reads a line of /proc/self/maps (proc(5)). It is ok only for pages of the
// program's file that nobody can write.
func programPages(line, program string) (from, length uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[5] != program || !strings.HasPrefix(fields[1], "r") || strings.Contains(fields[1], "w") {
		return 0, 0, false
	}
	first, last, _ := strings.Cut(fields[0], "-")
	start, err := strconv.ParseUint(first, 16, 64)
	end, err2 := strconv.ParseUint(last, 16, 64)
	if err != nil || err2 != nil || end <= start {
		return 0, 0, false
	}
	return uintptr(start), uintptr(end - start), true
}

// dropPages unmaps pages of a file, see madvise(2). The call names addresses, not memory
// of Go, so that it is made as the system has it.
func dropPages(from, length uintptr) error {
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, from, length, unix.MADV_DONTNEED)
	if errno != 0 {
		return errno
	}
	return nil
}
