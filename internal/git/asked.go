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

// askedDir is the folder of a repository with the options of each ref's newest
// revision. They are not stored as a ref, since they must exist before the ref moves,
// while the revision's objects are still in quarantine.
const askedDir = "pushboat-asked"

// maxAsked bounds the options that are read, in bytes. They may name all apps of a branch,
// twice.
const maxAsked = 256 << 10

// SetAsked stores a text with a ref, in place of the one before. When it returns, the
// text is on disk.
func (r *Repository) SetAsked(ref, text string) error {
	path := r.askedFile(ref)
	if err := r.opts.Fence(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep what was asked for with %q of repository %q: %w", ref, r.name, err)
	}
	if err := r.replaceFile(path, text); err != nil {
		return fmt.Errorf("keep what was asked for with %q of repository %q: %w", ref, r.name, err)
	}
	return nil
}

// replaceFile replaces a file atomically, unless the directory is another server's by then.
func (r *Repository) replaceFile(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), "new-*.lock") // swept, if it stays behind
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = r.opts.Fence()
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return err
	}
	return syncPath(filepath.Dir(path))
}

// Asked returns the text that was last stored with a ref; "" if there is none.
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

// askedFile returns the file for a ref: a ref's name need not be a file name.
func (r *Repository) askedFile(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return filepath.Join(r.dir, askedDir, hex.EncodeToString(sum[:16]))
}
