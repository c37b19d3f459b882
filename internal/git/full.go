package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Full reports whether an error is that of a disk without room: without blocks or
// inodes, or beyond a quota.
func Full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// sweepWork empties the directories for work under way. They themselves stay: on a
// full disk a new one might not be had.
func (s *Store) sweepWork() error {
	var errs []error
	for _, dir := range []string{newDir, trashDir} {
		entries, err := s.readDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		for _, entry := range entries {
			errs = append(errs, s.root.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sweep repositories directory: %w", err)
	}
	return nil
}

// workDir makes a directory of its own for work under way, in newDir or trashDir,
// which is made if need be.
func (s *Store) workDir(in string) (string, error) {
	dir := filepath.Join(s.dir, in)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(dir, "")
}
