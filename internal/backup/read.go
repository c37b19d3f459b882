package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// reader reads an untrusted archive.
type reader struct {
	header Header
	plain  io.Reader // tar reads from it
	tar    *tar.Reader
	read   sums // files so far, with their hashes
	state  sums // the archive's own list at its end: all files of the state

	path string // of the file that is being read; "": none
	hash hash.Hash
	body io.Reader
}

// newReader reads the beginning of an archive.
func newReader(r io.Reader, keys Keys) (*reader, error) {
	plain, err := decryptFrom(r, keys)
	if err != nil {
		return nil, err
	}
	a := &reader{plain: plain, tar: tar.NewReader(plain), read: sums{}}
	first, err := a.tar.Next()
	if err != nil || first.Name != headerName || first.Typeflag != tar.TypeReg {
		return nil, errors.New("it is no backup of Pushboat")
	}
	a.header, err = readHeader(a.tar)
	return a, err
}

// next returns the path of the next file, whose content Read reads. It returns io.EOF
// at the end of a complete archive whose files have the hashes in its list.
func (a *reader) next() (string, error) {
	if err := a.closeFile(); err != nil {
		return "", err
	}
	entry, err := a.tar.Next()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "", errors.New("it ends too early: it was not written to its end")
	}
	if err != nil {
		return "", err
	}
	if entry.Typeflag != tar.TypeReg || isSparse(entry) {
		return "", fmt.Errorf("%s is no plain file", quoted(entry.Name))
	}
	if entry.Name == sumsName {
		return "", a.end()
	}
	limit, known := limitOf(entry.Name)
	if !known {
		return "", fmt.Errorf("%s is no file of a backup", quoted(entry.Name))
	}
	if entry.Size > limit {
		return "", fmt.Errorf("%s has %d bytes, of %d at most", quoted(entry.Name), entry.Size, limit)
	}
	if _, twice := a.read[entry.Name]; twice || len(a.read) >= maxFiles {
		return "", fmt.Errorf("%s is there twice, or one too many", quoted(entry.Name))
	}
	a.path, a.hash = entry.Name, sha256.New()
	a.body = io.TeeReader(a.tar, a.hash)
	return a.path, nil
}

// isSparse reports whether a file has holes, with which a few bytes can become
// terabytes.
func isSparse(entry *tar.Header) bool {
	for record := range entry.PAXRecords {
		if strings.HasPrefix(record, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// Read reads from the file that next returned.
func (a *reader) Read(p []byte) (int, error) { return a.body.Read(p) }

// closeFile reads the rest of a file and notes its hash.
func (a *reader) closeFile() error {
	if a.path == "" {
		return nil
	}
	if _, err := io.Copy(io.Discard, a.body); err != nil {
		return fmt.Errorf("%s: %w", quoted(a.path), err)
	}
	a.read[a.path] = sum(a.hash.Sum(nil))
	a.path = ""
	return nil
}

// end reads the hashes, and compares them with those of the files.
func (a *reader) end() (err error) {
	if a.state, err = readSums(a.tar); err != nil {
		return err
	}
	for path, want := range a.state {
		got, here := a.read[path]
		if here && got != want || !here && a.header.Since == "" {
			return fmt.Errorf("%s is damaged or missing", quoted(path))
		}
	}
	if _, err := a.tar.Next(); !errors.Is(err, io.EOF) || !onlyZeros(a.plain) {
		return errors.New("there is something behind its end: give each archive as a file of its own")
	}
	return io.EOF
}

// maxPadding bounds the zeros after an archive, in bytes: tar writes whole blocks.
const maxPadding = 1 << 20

func onlyZeros(r io.Reader) bool {
	rest, err := io.ReadAll(io.LimitReader(r, maxPadding+1))
	return err == nil && len(rest) <= maxPadding && len(bytes.Trim(rest, "\x00")) == 0
}
