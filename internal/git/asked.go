package git

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// askedDir holds, in a repository, what was asked for together with the newest
// revision of a ref. It is no ref, since it has to be there before the ref
// moves, while the revision's objects are still in quarantine.
const askedDir = "pushboat-asked"

// maxAsked is how many bytes are read of what was asked for.
const maxAsked = 1 << 10

// SetAsked keeps a text with a ref, in place of the one before. When it returns,
// it is on disk.
func (r *Repository) SetAsked(ref, text string) error {
	path := r.askedFile(ref)
	if err := r.opts.Fence(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep what was asked for with %q of repository %q: %w", ref, r.name, err)
	}
	if err := replaceFile(path, text); err != nil {
		return fmt.Errorf("keep what was asked for with %q of repository %q: %w", ref, r.name, err)
	}
	return nil
}

// replaceFile writes a file as a whole, or leaves what there is.
func replaceFile(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), "new-*.lock") // swept, if it stays behind
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return err
	}
	return syncPath(filepath.Dir(path))
}

// Asked returns what was kept with a ref last; "" if that is nothing.
func (r *Repository) Asked(ref string) (string, error) {
	file, err := os.Open(r.askedFile(ref))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read what was asked for with %q of repository %q: %w", ref, r.name, err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxAsked))
	return string(text), err
}

// askedFile is where a ref has it: refs may have names that are no file names.
func (r *Repository) askedFile(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return filepath.Join(r.dir, askedDir, hex.EncodeToString(sum[:16]))
}
