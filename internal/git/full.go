package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Full reports whether an error means a full disk: no blocks or inodes, or over a
// quota.
func Full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// sweepWork empties the directories for work in progress. The directories themselves
// stay: on a full disk, creating new ones might fail.
func (s *Store) sweepWork() error {
	var errs []error
	for _, dir := range []string{newDir, trashDir, fetchDir} {
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

// workDir creates a directory for work in progress, in newDir or trashDir, which it
// creates if need be.
func (s *Store) workDir(in string) (string, error) {
	dir := filepath.Join(s.dir, in)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(dir, "")
}
