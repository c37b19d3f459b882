package git

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// impose holds a process to the bounds that the kernel knows, and with it what it
// starts from then on. They are soft limits, so that lift can take them away: to
// change another process's limits takes no right if both run as the same user
// (prlimit(2)).
func (b Bounds) impose(pid int) error {
	limits := map[int]uint64{
		unix.RLIMIT_CPU:  uint64(math.Ceil(b.CPU.Seconds())),
		unix.RLIMIT_CORE: 0, // what ends at a limit would leave one, as large as its memory
	}
	if b.Memory > 0 {
		limits[unix.RLIMIT_DATA] = uint64(b.Memory)
	}
	if b.File > 0 {
		limits[unix.RLIMIT_FSIZE] = uint64(b.File)
	}
	return limit(pid, limits)
}

// lift takes the bounds away, but for that of cores.
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
