package git

// The entries of a revision as Git stores them.

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the size of Git's hashes
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// stored provides the entries of a commit.
type stored struct {
	objects    *objects
	repository *Repository
}

// key names an object among those that are kept of all repositories: what one has is not
// for another, though its hash be known there.
func (s stored) key(e *entry) string { return string(s.repository.name) + ":" + e.raw }

func (s stored) members(dir *entry) ([]entry, error) {
	raw, err := s.readTree(dir)
	if err != nil {
		return nil, err
	}
	return dir.tree.members(dir, raw)
}

func (s stored) size(e *entry) (int64, error) {
	if content, ok := s.repository.store.kept.get(s.key(e)); ok {
		return int64(len(content)), nil
	}
	return s.objects.size(e.hash())
}

func (s stored) read(e *entry, size int64) (data []byte, err error) {
	if content, ok := s.repository.store.kept.get(s.key(e)); ok {
		return []byte(content), nil
	}
	err = s.objects.read(func(s storer.EncodedObjectStorer) (err error) {
		data, err = readObject(s, plumbing.BlobObject, e.hash(), size)
		return err
	})
	if err == nil {
		s.repository.store.kept.put(s.key(e), data)
	}
	return data, err
}

// readTree reads one tree object, after its size, as Git stores it.
func (s stored) readTree(dir *entry) ([]byte, error) {
	if dir.hash() == emptyTree {
		return nil, nil // git knows it without an object
	}
	size, err := s.objects.size(dir.hash())
	if err != nil {
		return nil, fmt.Errorf("directory %q: %w", dir.path(), err)
	}
	// An entry takes 7 bytes of mode, a name with its NUL, and a hash.
	if most := int64(dir.tree.limits.Entries) * int64(dir.tree.limits.NameBytes+28); size > most {
		return nil, limitError(dir.path(), "a directory of %d bytes", size)
	}
	var raw []byte
	err = s.objects.read(func(s storer.EncodedObjectStorer) (err error) {
		raw, err = readObject(s, plumbing.TreeObject, dir.hash(), size)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("directory %q: %w", dir.path(), err)
	}
	return raw, nil
}

// members reads the entries of a tree object: each a mode in octal digits, a space, a
// name that ends with a NUL, and the bytes of a hash.
func (t *tree) members(dir *entry, raw []byte) ([]entry, error) {
	n := count(raw)
	if err := t.grow(dir, n); err != nil {
		return nil, err
	}
	members := make([]entry, 0, n)
	rest := string(raw) // names and hashes are substrings of it
	for rest != "" {
		mode, after, spaced := strings.Cut(rest, " ")
		name, after, ended := strings.Cut(after, "\x00")
		if !spaced || !ended || len(after) < sha1.Size {
			return nil, fmt.Errorf("directory %q: malformed: an entry has no end", dir.path())
		}
		e, err := t.entry(dir, mode, name, after[:sha1.Size])
		if err != nil {
			return nil, err
		}
		members, rest = append(members, e), after[sha1.Size:]
	}
	return members, nil
}

// count returns the number of entries of a tree object.
func count(raw []byte) int {
	for n := 0; ; n++ {
		end := bytes.IndexByte(raw, 0)
		if end < 0 {
			return n
		}
		raw = raw[min(end+1+sha1.Size, len(raw)):]
	}
}

// emptyTree is the tree that every repository has.
const emptyTree Hash = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// readObject reads an object of a known size, and no more than that.
func readObject(s storer.EncodedObjectStorer, kind plumbing.ObjectType, hash Hash, size int64) (data []byte, err error) {
	object, err := s.EncodedObject(kind, plumbing.NewHash(string(hash)))
	if err != nil {
		return nil, err
	}
	reader, err := object.Reader()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	data = make([]byte, size)
	if _, err := io.ReadFull(reader, data); err != nil {
		return nil, fmt.Errorf("object %s: %w", hash.Short(), err)
	}
	return data, nil
}
