// Package sealed keeps texts on disk that only the server itself may read: the rendered
// objects of an app, with the values of its Secrets in the clear, values that a chart
// generated once, and what hooks have printed, which not all who may read records may see.
//
// Each text is encrypted with AES-256-GCM under a key that is derived from the
// server's own secret (HKDF-SHA256), and bound to its name: the repository, the
// app, the kind of text and the revision are authenticated with it, so that no file
// can be put in the place of another. A text is on disk before it is used: written
// to a new file, synced, and renamed. Nothing here is a ref or an object of Git, so
// that no client can fetch it.
//
// A text is plain bytes to this package; its owner encodes it.
package sealed

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pushboat/pushboat/internal/name"
)

// MaxText is the longest text, in bytes: the limit of a renderer's output (64 MiB, see
// worker.DefaultLimits), and as much again for the places of its objects.
const MaxText = 128 << 20

// Errors of a store, to be tested with errors.Is. A text that is not there is
// fs.ErrNotExist.
var (
	// ErrDamaged says that a file differs from the one that the store wrote, or that a
	// server with another secret wrote it.
	ErrDamaged = errors.New("the sealed file is damaged, or another server's")
	// ErrTooLong says that a text is longer than MaxText.
	ErrTooLong = fmt.Errorf("more than %d MiB cannot be sealed", MaxText>>20)
)

// Kind is the kind of a text. An app has at most one text of each kind.
type Kind string

// The kinds of texts.
const (
	// Accepted is the app as rendered by the gate, or by the server itself, at the
	// newest revision that was accepted for it.
	Accepted Kind = "accepted"
	// Applied is the app as rendered at the last revision that was brought to the
	// cluster.
	Applied Kind = "applied"
	// Generated are the values that the app's chart generated once. They belong
	// to no revision.
	Generated Kind = "generated"
	// Printed is what the hooks of its newest deploys have printed. It belongs to no revision.
	Printed Kind = "printed"
)

// Name names a text.
type Name struct {
	Repository name.Repo
	App        name.App
	Kind       Kind
}

func (n Name) String() string {
	return fmt.Sprintf("%s of app %s, repository %s", n.Kind, n.App, n.Repository)
}

// Text is a text to seal.
type Text struct {
	Name
	Revision name.Revision // it is of; "" for none
	Data     []byte
}

// Store is a directory of sealed texts. It is safe for concurrent use, and one
// process at a time owns it. A nil Store keeps nothing.
type Store struct {
	root  *os.Root
	aead  cipher.AEAD
	fence func() error
	calls atomic.Uint64 // of Seal, to tell their new files apart
	mu    sync.RWMutex  // held for writing while files and folders go
}

// Open opens the directory of sealed texts, and creates it if necessary. The secret is
// the server's own, of 32 random bytes or more; the store derives its key from it. Open
// asks fence before anything in the directory is changed, and its error ends the
// change: another process may own the directory by then. nil is no fence.
func Open(dir string, secret []byte, fence func() error) (*Store, error) {
	if fence == nil {
		fence = func() error { return nil }
	}
	aead, err := newAEAD(secret)
	if err != nil {
		return nil, fmt.Errorf("open the sealed store: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the sealed store: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the sealed store: %w", err)
	}
	return &Store{root: root, aead: aead, fence: fence}, nil
}

// Close lets go of the directory.
func (s *Store) Close() error { return s.root.Close() }

// Seal keeps texts, each in place of the one of its name. When it returns, they are
// on disk. If it fails, some may be kept, and each of the others is as it was.
func (s *Store) Seal(texts ...Text) error {
	if s == nil || len(texts) == 0 {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, text := range texts {
		if len(text.Data) > MaxText {
			return fmt.Errorf("seal the text %s: %w", text.Name, ErrTooLong)
		}
	}
	if err := s.fence(); err != nil {
		return err
	}
	if err := s.write(texts); err != nil {
		if fenced := s.fence(); fenced != nil {
			return fenced
		}
		return fmt.Errorf("seal: %w; the data directory has to be writable, with room", err)
	}
	return nil
}

// Unseal returns the text of a name and the revision that it is of. The error is
// fs.ErrNotExist where there is none, and ErrDamaged where it cannot be believed.
func (s *Store) Unseal(of Name) (Text, error) {
	if s == nil {
		return Text{}, fmt.Errorf("unseal the text %s: %w", of, fs.ErrNotExist)
	}
	sealed, err := s.read(of.file())
	if err != nil {
		return Text{}, fmt.Errorf("unseal the text %s: %w", of, err)
	}
	revision, data, err := decode(s.aead, of, sealed)
	if err != nil {
		return Text{}, fmt.Errorf("unseal the text %s: %w", of, err)
	}
	return Text{Name: of, Revision: revision, Data: data}, nil
}

// read reads a file, which has at most the length of a sealed MaxText.
func (s *Store) read(file string) ([]byte, error) {
	f, err := s.root.Open(file)
	if err != nil {
		return nil, notExist(err)
	}
	defer f.Close()
	sealed, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(sealed) > maxFile {
		err = ErrDamaged
	}
	return sealed, err
}

// notExist is fs.ErrNotExist without the path, which says nothing to anybody.
func notExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ErrNotExist
	}
	return err
}

// ForgetApp deletes all texts of an app.
func (s *Store) ForgetApp(repository name.Repo, app name.App) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fence(); err != nil {
		return err
	}
	folder, prefix := FolderOf(repository), Name{App: app}.prefix()
	entries, err := fs.ReadDir(s.root.FS(), folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var errs []error
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) {
			errs = append(errs, s.root.Remove(filepath.Join(folder, entry.Name())))
		}
	}
	if err := errors.Join(append(errs, err, s.sync(folder))...); err != nil {
		return fmt.Errorf("delete the sealed texts of app %s: %w", app, err)
	}
	return nil
}

// ForgetRepository deletes all texts of a repository's apps.
func (s *Store) ForgetRepository(repository name.Repo) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fence(); err != nil {
		return err
	}
	if err := errors.Join(s.root.RemoveAll(FolderOf(repository)), s.sync(".")); err != nil {
		return fmt.Errorf("delete the sealed texts of repository %s: %w", repository, err)
	}
	return nil
}

// Sweep deletes the texts of all repositories but the given ones, and files that
// were not finished: a server may be killed between the deletion of a repository
// and that of its texts. It is for the start.
func (s *Store) Sweep(repositories []name.Repo) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fence(); err != nil {
		return err
	}
	keep := make(map[string]bool, len(repositories))
	for _, repository := range repositories {
		keep[FolderOf(repository)] = true
	}
	folders, err := fs.ReadDir(s.root.FS(), ".")
	errs := []error{err}
	for _, folder := range folders {
		if !keep[folder.Name()] {
			errs = append(errs, s.root.RemoveAll(folder.Name()))
			continue
		}
		errs = append(errs, s.sweepFolder(folder.Name()))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("sweep the sealed store: %w", err)
	}
	return nil
}

func (s *Store) sweepFolder(folder string) error {
	entries, err := fs.ReadDir(s.root.FS(), folder)
	errs := []error{err}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), unfinished) {
			errs = append(errs, s.root.Remove(filepath.Join(folder, entry.Name())))
		}
	}
	return errors.Join(errs...)
}

// FolderOf is the folder of a repository's texts in a store's directory: the name of
// the repository may have slashes.
func FolderOf(repository name.Repo) string { return digest(string(repository)) }

// file is where a text of the name is.
func (n Name) file() string {
	return filepath.Join(FolderOf(n.Repository), n.prefix()+string(n.Kind))
}

// prefix begins the names of all files of an app.
func (n Name) prefix() string { return digest(string(n.App)) + "." }

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
