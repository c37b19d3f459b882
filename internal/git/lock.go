package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// takeLock takes the directory's lock, which the system frees when the process ends.
func (s *Store) takeLock() error {
	lock, err := s.root.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock repositories directory: %w", err)
	}
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil || !s.isLock(lock) {
		_ = lock.Close()
		return fmt.Errorf("repositories directory %q: %w; stop that server or give this one a directory of its own", s.dir, ErrInUse)
	}
	s.lock = lock
	return nil
}

// seizeLock puts its own lock in place of one that another process holds.
func (s *Store) seizeLock() error {
	const fresh = lockFile + ".new"
	if err := s.root.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("seize the lock of repositories directory: %w", err)
	}
	lock, err := s.root.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("seize the lock of repositories directory: %w", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = s.root.Rename(fresh, lockFile)
	}
	if err == nil {
		err = s.syncDir(".")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("seize the lock of repositories directory: %w", err), lock.Close())
	}
	s.lock = lock
	s.opts.Log.Warn("another process still has the lock of the data directory: it is frozen, or its end was not seen; its lock counts no more")
	return nil
}

// isLock reports whether an open file is still the directory's lock, and was not replaced.
func (s *Store) isLock(lock *os.File) bool {
	mine, err := lock.Stat()
	there, gone := s.root.Lstat(lockFile)
	return err == nil && gone == nil && os.SameFile(mine, there)
}
