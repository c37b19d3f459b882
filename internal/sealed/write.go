package sealed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sync/errgroup"
)

// unfinished ends the names of files that are being written.
const unfinished = ".new"

// writers is how many files wait for the disk at a time: file systems make the
// waits of several into one.
const writers = 16

// write writes the files of texts: all contents are on disk before the first file
// has its name.
func (s *Store) write(texts []Text) error {
	folders, err := s.makeFolders(texts)
	if err != nil {
		return notNamed(err)
	}
	call := s.calls.Add(1)
	group := errgroup.Group{}
	group.SetLimit(writers)
	for i, text := range texts {
		group.Go(func() error { return s.writeNew(text, newName(text, call, i)) })
	}
	err = group.Wait()
	if err == nil {
		err = s.fence() // again, for the disk may have taken long
	}
	for i, text := range texts {
		if err == nil {
			err = s.root.Rename(newName(text, call, i), text.file())
		}
		if err != nil {
			_ = s.root.Remove(newName(text, call, i)) // the next sweep removes what stays
		}
	}
	errs := []error{err}
	for folder := range folders {
		errs = append(errs, s.sync(folder))
	}
	return notNamed(errors.Join(errs...))
}

// makeFolders makes the folders that texts go to, and returns those that change.
func (s *Store) makeFolders(texts []Text) (map[string]bool, error) {
	folders := map[string]bool{}
	for _, text := range texts {
		folder := FolderOf(text.Repository)
		if folders[folder] {
			continue
		}
		folders[folder] = true
		switch err := s.root.Mkdir(folder, 0o700); {
		case err == nil:
			folders["."] = true
		case !errors.Is(err, fs.ErrExist):
			return nil, err
		}
	}
	return folders, nil
}

// newName is where the i-th text of a call of Seal is written.
func newName(text Text, call uint64, i int) string {
	return fmt.Sprintf("%s.%d.%d%s", text.file(), call, i, unfinished)
}

// writeNew writes one sealed text to a new file, and waits until it is on disk.
func (s *Store) writeNew(text Text, file string) error {
	sealed, err := encode(s.aead, text)
	if err != nil {
		return err
	}
	f, err := s.root.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(sealed)
	return errors.Join(err, f.Sync(), f.Close())
}

// sync makes the new names in a folder durable.
func (s *Store) sync(folder string) error {
	f, err := s.root.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// notNamed takes the digests that are the names of files out of an error.
func notNamed(err error) error {
	if named, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", named.Op, named.Err)
	}
	return err
}
