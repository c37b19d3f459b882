package backup

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// backupsDir has the contents of the newest backups, so that later ones can build on
// them: a file for each, in the form of SHA256SUMS, under the backup's name.
const backupsDir = "backups"

// keptBackups is the number of backups whose contents are kept.
const keptBackups = 32

// keep stores the list of a backup's files. If the disk is full, the backup is still good,
// but the next one must be a full one, as the error says.
func (s Source) keep(id string, list []byte) error {
	dir := filepath.Join(s.Data, backupsDir)
	var err error
	if s.Fence != nil {
		err = s.Fence()
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, id+".new"), list, 0o600)
	}
	if err == nil {
		err = os.Rename(filepath.Join(dir, id+".new"), filepath.Join(dir, id))
	}
	if err == nil {
		err = s.dropOld(dir)
	}
	if err != nil {
		return fmt.Errorf("backup %s is whole, but the list of its contents cannot be kept: %w; the next one must be whole, too", id, err)
	}
	return nil
}

func (s Source) dropOld(dir string) error {
	ids, err := s.ids()
	for len(ids) > keptBackups && err == nil {
		err = os.Remove(filepath.Join(dir, ids[0]))
		ids = ids[1:]
	}
	return err
}

// ids returns the backups that later ones can build on, oldest first.
func (s Source) ids() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.Data, backupsDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var ids []string
	for _, entry := range entries {
		if idForm.MatchString(entry.Name()) {
			ids = append(ids, entry.Name())
		}
	}
	slices.Sort(ids)
	return ids, err
}

// IDs returns the newest backups that were made of this data directory, oldest first.
func (s Source) IDs() ([]string, error) { return s.ids() }

// Newest is when the newest backup was made of this data directory, wherever it went; zero if
// none is known.
func (s Source) Newest() (time.Time, error) {
	ids, err := s.ids()
	if err != nil || len(ids) == 0 {
		return time.Time{}, err
	}
	return MadeAt(ids[len(ids)-1]), nil
}

// UnknownError reports a backup whose contents are not kept.
type UnknownError struct {
	ID     string
	Newest string // that is kept; "": none is
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("nothing is kept here of backup %s", quoted(e.ID))
}

// Next returns the next thing to try, with the command that makes backups.
func (e *UnknownError) Next(command string) string {
	if e.Newest == "" {
		return "make a whole one: " + command
	}
	return fmt.Sprintf("go on from the newest: %s --since %s", command, e.Newest)
}

// IsID reports whether a text has the form of a backup's name.
func IsID(text string) bool { return idForm.MatchString(text) }

// Kept returns a recent backup by its name.
func (s Source) Kept(id string) (*Base, error) {
	ids, err := s.ids()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(ids, id) {
		unknown := &UnknownError{ID: id}
		if len(ids) > 0 {
			unknown.Newest = ids[len(ids)-1]
		}
		return nil, unknown
	}
	file, err := os.Open(filepath.Join(s.Data, backupsDir, id))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	files, err := readSums(file)
	if err != nil {
		return nil, fmt.Errorf("the list of the contents of backup %s: %w; make a whole one, without --since", id, err)
	}
	return &Base{ID: id, sums: files}, nil
}

// ReadBase reads an archive, to its end, as the base of a later backup.
func ReadBase(r io.Reader, keys Keys) (*Base, error) {
	a, err := newReader(r, keys)
	for err == nil {
		_, err = a.next()
	}
	if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return &Base{ID: a.header.ID, sums: a.state}, nil
}
