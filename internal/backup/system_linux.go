package backup

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncFS waits until everything written to a file's file system is on disk.
func syncFS(file *os.File) error { return unix.Syncfs(int(file.Fd())) }

// beginSync makes the disk begin with a part of a file, without waiting for it.
func beginSync(file *os.File, at, length int64) {
	_ = unix.SyncFileRange(int(file.Fd()), at, length, unix.SYNC_FILE_RANGE_WRITE) // a hint: Sync reports errors
}

// leastPriority is the nice value of a thread that runs when no other wants to; see
// setpriority(2). On Linux it is a thread's own.
const leastPriority = 19

// yieldToOthers gives the current thread the least priority.
func yieldToOthers() {
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, leastPriority) // it can always be lowered
}
