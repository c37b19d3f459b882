package server

import (
	"bufio"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseProgram returns the mapped pages of the program's own file to the system: most
// of them, such as tables of kinds and unused code, are read only at the start. Pages
// that are needed again come from the page cache, 64 KiB at a time. It returns the
// number of bytes of address space that it has gone through.
func releaseProgram() (released int) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return 0
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return 0
	}
	defer maps.Close()
	for _, m := range unchangedMappings(maps, program) {
		if dropPages(m) == nil {
			released += int(m.length)
		}
	}
	return released
}

// programBytes returns how many bytes of files are in the process's memory, see statm in
// proc(5): nearly all are of its own program.
func programBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// mapping is a range of addresses.
type mapping struct{ from, length uintptr }

// unchangedMappings reads /proc/self/smaps (proc(5)). It returns the mappings of the
// program's file that nobody can write to and whose pages are all as in the file. A
// dynamic linker has written to some of the others before it made them read-only: those
// bytes are in no file, and would be lost.
func unchangedMappings(smaps io.Reader, program string) []mapping {
	var found []mapping
	current, ok := mapping{}, false
	known := 0 // how many of the counts in changeCounts are zero
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 {
			continue
		}
		if !strings.HasSuffix(fields[0], ":") { // the head of the next mapping
			current, ok = programMapping(fields, program)
			known = 0
			continue
		}
		if !ok || len(fields) < 2 || !slices.Contains(changeCounts, fields[0]) {
			continue
		}
		if ok = fields[1] == "0"; !ok {
			continue
		}
		if known++; known == len(changeCounts) {
			found = append(found, current)
		}
	}
	return found
}

// changeCounts are the counts of a mapping that are not zero if some of its pages
// differ from the file. Dirty pages do not tell: a file that was just written has them,
// too.
var changeCounts = []string{"Anonymous:", "Swap:"}

// programMapping parses the head of a mapping. ok is true only for pages of the
// program's file that nobody can write to.
func programMapping(fields []string, program string) (m mapping, ok bool) {
	if len(fields) < 6 || fields[5] != program || !strings.HasPrefix(fields[1], "r") || strings.Contains(fields[1], "w") {
		return mapping{}, false
	}
	first, last, _ := strings.Cut(fields[0], "-")
	start, err := strconv.ParseUint(first, 16, 64)
	end, err2 := strconv.ParseUint(last, 16, 64)
	if err != nil || err2 != nil || end <= start {
		return mapping{}, false
	}
	return mapping{uintptr(start), uintptr(end - start)}, true
}

// dropPages unmaps pages of a file, see madvise(2). It makes the raw system call,
// because the pages are not memory of Go.
func dropPages(m mapping) error {
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, m.from, m.length, unix.MADV_DONTNEED)
	if errno != 0 {
		return errno
	}
	return nil
}
