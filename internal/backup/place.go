package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pushboat/pushboat/internal/datadir"
)

// place is a directory that becomes a data directory. Until then, everything is in its
// folder datadir.Unfinished, with which no server starts.
type place struct {
	dir   string
	lock  *os.File
	stage string
	made  bool // we have created it
}

// openPlace prepares an empty directory, and refuses any other.
func openPlace(dir string) (*place, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	_, err = os.Lstat(dir)
	p := &place{dir: dir, made: errors.Is(err, os.ErrNotExist), stage: filepath.Join(dir, datadir.Unfinished)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	if p.lock, err = os.Open(dir); err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	if err := p.begin(); err != nil {
		return nil, errors.Join(err, p.lock.Close())
	}
	return p, nil
}

func (p *place) begin() error {
	if err := syscall.Flock(int(p.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("directory %q: another restore into it is going on", p.dir)
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if !isNothing(entries, datadir.Unfinished) {
		return fmt.Errorf("directory %q is not empty, and a restore changes nothing that is there; give an empty one, and move it into place", p.dir)
	}
	if err := os.RemoveAll(p.stage); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := os.Mkdir(p.stage, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// moveIn moves a complete restore into place: it is on disk before, and the move is on
// disk after.
func (p *place) moveIn() error {
	err := os.WriteFile(filepath.Join(p.stage, datadir.Restored), nil, 0o600)
	if err == nil {
		err = p.sync()
	}
	entries, listed := os.ReadDir(p.stage)
	err = errors.Join(err, listed)
	for _, entry := range entries {
		if err == nil {
			err = os.Rename(filepath.Join(p.stage, entry.Name()), filepath.Join(p.dir, entry.Name()))
		}
	}
	if err == nil {
		err = p.sync()
	}
	if err == nil {
		err = os.Remove(p.stage)
	}
	if err == nil {
		err = p.sync()
	}
	if err != nil {
		return fmt.Errorf("restore into %q: %w", p.dir, err)
	}
	return nil
}

// sync writes the directory's file system to disk.
func (p *place) sync() error { return syncFS(p.lock) }

// clear removes the remains of a failed restore, and the directory if it did not exist
// before.
func (p *place) clear() error {
	err := os.RemoveAll(p.stage)
	if p.made {
		_ = os.Remove(p.dir) // it stays if somebody put something there
	}
	return err
}

func (p *place) close() { _ = p.lock.Close() } // nothing was written to it
