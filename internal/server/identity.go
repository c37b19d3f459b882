package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pushboat/pushboat/internal/sealed"
)

// identity names this process among all candidates for a lease. It ends in @ and the
// address at which other servers pass ssh connections on to this one, if there is one.
func identity(relay string) string {
	some := make([]byte, 4)
	_, _ = rand.Read(some)
	name := fmt.Sprintf("%s_%d_%s", hostName(), os.Getpid(), hex.EncodeToString(some))
	if relay == "" {
		return name
	}
	return name + "@" + relay
}

// secretBytes is the length of the server's secret.
const secretBytes = 32

// serverSecret reads the server's secret, and creates it at the first start. It is the
// key for digests of secret values and for sealed texts. Without it, nobody can tell a
// value from its digest by guessing.
func serverSecret(path string) ([]byte, error) {
	return keptSecret(path, "restore it from a backup; without it nothing can be compared with what was recorded, "+
		"nor read of what was sealed, and deleting it has a new one made")
}

// keptSecret reads a secret, and makes it once. remedy is for one that is damaged.
func keptSecret(path, remedy string) ([]byte, error) {
	secret, err := readSecret(path)
	if errors.As(err, new(*shortSecretError)) {
		err = fmt.Errorf("%w: %s", err, remedy)
	}
	if errors.Is(err, fs.ErrNotExist) {
		secret = make([]byte, secretBytes)
		_, _ = rand.Read(secret) // never fails, see its documentation
		secret, err = writeOnce(path, secret)
	}
	if err != nil {
		return nil, fmt.Errorf("the server's secret: %w", err)
	}
	return secret, nil
}

// shortSecretError is about a secret whose end is missing.
type shortSecretError struct {
	path  string
	bytes int
}

func (e *shortSecretError) Error() string {
	return fmt.Sprintf("%q has %d bytes of %d", e.path, e.bytes, secretBytes)
}

func readSecret(path string) ([]byte, error) {
	secret, err := os.ReadFile(path)
	if err == nil && len(secret) < secretBytes {
		err = &shortSecretError{path, len(secret)}
	}
	return secret, err
}

// idForm is the form of a server's id.
var idForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// serverID reads the id by which inventories on clusters name this server, and creates
// it at the first start. It is not secret. A server that is restored with its data
// directory keeps its id; a server without it must take the apps over on purpose, see
// the verb take-over.
func serverID(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		id := make([]byte, 16)
		_, _ = rand.Read(id)
		text, err = writeOnce(path, []byte(hex.EncodeToString(id)+"\n"))
	}
	id := strings.TrimSpace(string(text))
	if err == nil && !idForm.MatchString(id) {
		err = fmt.Errorf("%q holds no id of 32 hex digits: restore it from a backup; deleting it makes this another "+
			"server, to which its own apps are another's until it takes them over", path)
	}
	if err != nil {
		return "", fmt.Errorf("the server's id: %w", err)
	}
	return id, nil
}

// writeOnce writes a small file atomically, and returns when it is on disk. It keeps a file
// that exists, and returns its content.
func writeOnce(path string, data []byte) ([]byte, error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(file.Name(), path); errors.Is(err, fs.ErrExist) {
		return os.ReadFile(path)
	} else if err != nil {
		return nil, err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return data, errors.Join(dir.Sync(), dir.Close())
}

// openSealed opens the sealed store, and removes the texts of repositories that no
// longer exist.
func (s *server) openSealed(secret []byte) (err error) {
	if s.sealed, err = sealed.Open(s.path("sealed"), secret, s.fence.Check); err != nil {
		return err
	}
	repos, err := s.repos.List()
	if err != nil {
		return err
	}
	if err := s.sealed.Sweep(repos); err != nil {
		s.log.Warn(err)
	}
	return nil
}
