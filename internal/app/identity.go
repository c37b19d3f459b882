package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pushboat/pushboat/internal/sealed"
)

// secretBytes is the length of the server's secret.
const secretBytes = 32

// serverSecret reads the secret by which secret values are digested and what is
// sealed is encrypted, and makes it once. Without it nobody can tell a value from its
// digest by guessing.
func serverSecret(path string) ([]byte, error) {
	secret, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		secret = make([]byte, secretBytes)
		_, _ = rand.Read(secret) // never fails, see its documentation
		err = writeOnce(path, secret)
	case err == nil && len(secret) < secretBytes:
		err = fmt.Errorf("%q has %d bytes of %d: restore it from a backup; without it nothing can be compared "+
			"with what was recorded, nor read of what was sealed, and deleting it has a new one made", path, len(secret), secretBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("the server's secret: %w", err)
	}
	return secret, nil
}

// writeOnce writes a small file as a whole, and returns when it is on disk.
func writeOnce(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // which has another name by then, if all went well
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// openSealed opens the sealed store, and lets go of what belongs to repositories
// that are there no longer.
func (s *server) openSealed(secret []byte) (err error) {
	if s.sealed, err = sealed.Open(s.path("sealed"), secret); err != nil {
		return err
	}
	names, err := s.repos.List()
	if err != nil {
		return err
	}
	repos := make([]string, 0, len(names))
	for _, name := range names {
		repos = append(repos, name.String())
	}
	if err := s.sealed.Sweep(repos); err != nil {
		s.log.Warn(err)
	}
	return nil
}
