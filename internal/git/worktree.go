package git

// The files of a work tree, as a commit of them would have them.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// WorkTree returns the files under a root as Tree returns those of a commit: with the
// same limits, and the same messages for refused entries. It follows links itself,
// inside the root. Entries that Git does not store are missing: its own folders,
// folders without files, sockets and the like. No entry has a hash.
func WorkTree(root *os.Root) fs.FS { return newTree(onDisk{root}, TreeLimits{}.withDefaults()) }

// onDisk provides the entries of a work tree.
type onDisk struct{ root *os.Root }

func (d onDisk) members(dir *entry) ([]entry, error) {
	found, err := d.list(dir.path())
	if err != nil {
		return nil, err
	}
	if err := dir.tree.grow(dir, len(found)); err != nil {
		return nil, err
	}
	var members []entry
	for _, f := range found {
		mode := d.mode(path.Join(dir.path(), f.Name()), f)
		if mode == "" {
			continue
		}
		e, err := dir.tree.entry(dir, mode, f.Name(), "")
		if err != nil {
			return nil, err
		}
		members = append(members, e)
	}
	return members, nil
}

func (d onDisk) list(name string) ([]fs.DirEntry, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	entries, err := f.ReadDir(-1)
	return entries, errors.Join(err, f.Close())
}

// mode returns the mode that Git would give a file; "" if it does not store it. A
// folder with a repository in it would be a submodule.
func (d onDisk) mode(name string, f fs.DirEntry) string {
	switch kind := f.Type(); {
	case isGitOwn(f.Name()):
		return ""
	case kind.IsRegular():
		return "100644"
	case kind&fs.ModeSymlink != 0:
		return "120000"
	case !kind.IsDir() || !d.hasFiles(name, 0):
		return ""
	}
	if _, err := d.root.Lstat(path.Join(name, ".git")); err == nil {
		return "160000"
	}
	return "40000"
}

// isGitOwn reports whether a name is that of Git's own folder, which Git stores under
// no spelling.
func isGitOwn(name string) bool { return strings.EqualFold(name, ".git") }

// hasFiles reports whether there is a file in a folder, or below it.
func (d onDisk) hasFiles(name string, depth int) bool {
	entries, err := d.list(name)
	if err != nil || depth > maxEmpty {
		return true // reading it reports the reason
	}
	for _, entry := range entries {
		if !entry.IsDir() || isGitOwn(entry.Name()) || d.hasFiles(path.Join(name, entry.Name()), depth+1) {
			return true
		}
	}
	return false
}

// maxEmpty bounds the depth of the search for a file in folders without one.
const maxEmpty = 40

func (d onDisk) size(e *entry) (int64, error) {
	info, err := d.root.Lstat(e.path())
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (d onDisk) read(e *entry, size int64) ([]byte, error) {
	if e.isLink() {
		target, err := d.root.Readlink(e.path())
		return []byte(target), err
	}
	f, err := d.root.Open(e.path())
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	var data bytes.Buffer
	if _, err := io.Copy(&data, io.LimitReader(f, size+1)); err != nil {
		return nil, err
	}
	if int64(data.Len()) > size {
		return nil, fmt.Errorf("it has grown beyond %d bytes while it was read", size)
	}
	return data.Bytes(), nil
}
