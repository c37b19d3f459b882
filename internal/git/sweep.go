package git

// Finding and removing, at the next start, the files that a killed process leaves in a
// repository. It runs under the store's lock and before anything is served, so whatever
// lies there belongs to nobody. (A receive-pack that outlived its server has lost its
// hook's socket and its client; at worst its push fails.)

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/name"
)

func (s *Store) sweep() error {
	repos, err := s.List()
	if err != nil {
		return err
	}
	start := time.Now()
	for _, repo := range repos {
		if err := s.sweepRepository(repo, start); err != nil {
			return fmt.Errorf("sweep repository %q: %w", repo, err)
		}
	}
	return nil
}

func (s *Store) sweepRepository(repo name.Repo, start time.Time) error {
	return errors.Join(
		s.sweepDir(dirOf(repo), start, func(file string) bool { return isLock(file) || isCrashReport(file) }),
		s.sweepDir(filepath.Join(dirOf(repo), askedDir), start, isLock),
		s.sweepDir(filepath.Join(dirOf(repo), "objects"), start, isQuarantine),
		s.sweepDir(filepath.Join(dirOf(repo), "objects", "pack"), start, isPartialPack),
		s.sweepRefs(filepath.Join(dirOf(repo), "refs"), start),
	)
}

func isLock(name string) bool { return strings.HasSuffix(name, ".lock") }

func isCrashReport(name string) bool { return strings.HasPrefix(name, "fast_import_crash_") }

func isQuarantine(name string) bool { return strings.HasPrefix(name, "tmp_objdir-") }

func isPartialPack(name string) bool {
	return strings.HasPrefix(name, "tmp_") || strings.HasPrefix(name, ".tmp-") || isLock(name)
}

// sweepRefs removes locks in the whole tree of loose refs. A ref's own name
// never ends in ".lock": git forbids it.
func (s *Store) sweepRefs(dir string, start time.Time) error {
	entries, err := s.readDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a copy has none until it is finished
	}
	if err != nil {
		return err
	}
	errs := []error{s.sweepEntries(dir, entries, start, isLock)}
	for _, entry := range entries {
		if entry.IsDir() {
			errs = append(errs, s.sweepRefs(filepath.Join(dir, entry.Name()), start))
		}
	}
	return errors.Join(errs...)
}

func (s *Store) sweepDir(dir string, start time.Time, stale func(string) bool) error {
	entries, err := s.readDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.sweepEntries(dir, entries, start, stale)
}

// readDir lists a folder by its path. Removals go through the store's root, which no
// symbolic link leads out of. For a listing, that would cost four times the system
// calls, and listings are most of the calls of a start with a thousand repositories.
func (s *Store) readDir(dir string) ([]fs.DirEntry, error) {
	return os.ReadDir(filepath.Join(s.dir, dir))
}

func (s *Store) sweepEntries(dir string, entries []fs.DirEntry, start time.Time, stale func(string) bool) error {
	var errs []error
	for _, entry := range entries {
		if !stale(entry.Name()) {
			continue
		}
		info, err := entry.Info()
		if err != nil || info.ModTime().After(start) {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		s.opts.Log.WithField("path", path).Warn("removing what an earlier process left behind")
		errs = append(errs, s.root.RemoveAll(path))
	}
	return errors.Join(errs...)
}
