package backup

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncFS waits until everything written to a file's file system is on disk.
func syncFS(file *os.File) error { return unix.Syncfs(int(file.Fd())) }
