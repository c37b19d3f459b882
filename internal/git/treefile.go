package git

// The fs.File, fs.DirEntry and fs.FileInfo of a revision.

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// entry is a member of a tree object; it is its own fs.DirEntry.
type entry struct {
	tree    *tree
	dir     *entry // nil for the root
	name    string
	alias   string // the name of the link through which it was reached; "" for its own
	depth   int
	raw     string // its hash, in bytes
	mode    fs.FileMode
	refusal error // why it cannot be opened
}

// place identifies an entry among those of a revision, whatever name it was reached by.
type place struct {
	dir  *entry
	name string
}

func (e *entry) place() place { return place{e.dir, e.name} }

// path returns the entry's path from the root of the revision.
func (e *entry) path() string {
	if e.dir == nil {
		return "."
	}
	return path.Join(e.dir.path(), e.name)
}

// hash names the entry's object.
func (e *entry) hash() Hash { return Hash(hex.EncodeToString([]byte(e.raw))) }

// ContentHash identifies the content of a file, or everything in a directory, in bytes:
// equal contents have equal hashes. It costs nothing, unlike Info, which looks up the
// file's size.
func (e *entry) ContentHash() string { return e.raw }

func (e *entry) Name() string { return cmp.Or(e.alias, e.name) }

func (e *entry) IsDir() bool       { return e.mode.IsDir() }
func (e *entry) Type() fs.FileMode { return e.mode.Type() }
func (e *entry) String() string    { return fs.FormatDirEntry(e) }

// Info describes the entry; it looks up a file's size.
func (e *entry) Info() (fs.FileInfo, error) {
	if !e.mode.IsRegular() {
		return info{entry: e}, nil
	}
	size, err := e.tree.source.size(e)
	if err != nil {
		return nil, fmt.Errorf("file %q: %w", e.path(), err)
	}
	return info{entry: e, size: size}, nil
}

// info is an entry with its size. Git stores no file times.
type info struct {
	entry *entry
	size  int64
}

func (i info) Name() string       { return i.entry.Name() }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.entry.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.entry.IsDir() }
func (i info) Sys() any           { return i.entry.hash() }
func (i info) String() string     { return fs.FormatFileInfo(i) }

// file is an open file: its content, whole.
type file struct {
	*strings.Reader
	info info
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

// openedDir is an open directory.
type openedDir struct {
	entry *entry
	rest  []fs.DirEntry
}

func (d *openedDir) Stat() (fs.FileInfo, error) { return info{entry: d.entry}, nil }
func (d *openedDir) Close() error               { return nil }

func (d *openedDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.entry.path(), Err: errors.New("is a directory")}
}

// ReadDir implements fs.ReadDirFile.
func (d *openedDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.rest) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.rest) {
		n = len(d.rest)
	}
	entries := append([]fs.DirEntry(nil), d.rest[:n]...)
	d.rest = d.rest[n:]
	return entries, nil
}
