package git

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// impose applies the limits that the kernel knows to a process, and to the processes
// that it starts from then on. They are soft limits, so that lift can remove them:
// changing another process's limits needs no privilege if both run as the same user
// (prlimit(2)).
func (b Bounds) impose(pid int) error {
	limits := map[int]uint64{
		unix.RLIMIT_CPU:  uint64(math.Ceil(b.CPU.Seconds())),
		unix.RLIMIT_CORE: 0, // a process that hits a limit would leave a core as large as its memory
	}
	if b.Memory > 0 {
		limits[unix.RLIMIT_DATA] = uint64(b.Memory)
	}
	if b.File > 0 {
		limits[unix.RLIMIT_FSIZE] = uint64(b.File)
	}
	return limit(pid, limits)
}

// lift removes the limits, except that on cores.
func lift(pid int) error {
	return limit(pid, map[int]uint64{unix.RLIMIT_CPU: math.MaxUint64, unix.RLIMIT_DATA: math.MaxUint64, unix.RLIMIT_FSIZE: math.MaxUint64})
}

// limit sets soft limits, as far as the hard ones allow.
func limit(pid int, limits map[int]uint64) error {
	for resource, value := range limits {
		var now unix.Rlimit
		err := unix.Prlimit(pid, resource, nil, &now)
		if err == nil {
			now.Cur = min(value, now.Max)
			err = unix.Prlimit(pid, resource, &now, nil)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) { // ESRCH: it has ended
			return fmt.Errorf("prlimit git: %w", err)
		}
	}
	return nil
}
