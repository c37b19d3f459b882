// Package mount puts trees into folders of another tree.
package mount

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
)

// Tree is a tree with others in folders of one of its folders. That folder itself cannot be listed:
// a path leads into a mounted tree only for who knows it. The methods are safe for concurrent use.
type Tree struct {
	fs.FS
	below string // the folder

	mu     sync.Mutex
	mounts map[string]fs.FS // by the element below the folder
}

// On returns a tree in whose folder below others can be mounted.
func On(base fs.FS, below string) *Tree {
	return &Tree{FS: base, below: below, mounts: map[string]fs.FS{}}
}

// Put mounts a tree, under an element of a path.
func (t *Tree) Put(element string, tree fs.FS) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mounts[element] = tree
}

// Has reports whether a tree is mounted under an element.
func (t *Tree) Has(element string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mounts[element] != nil
}

// Len is the number of the mounted trees.
func (t *Tree) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.mounts)
}

// at is the tree in which a path is, the path there, and the folder of that tree; "" for that of
// the base.
func (t *Tree) at(file string) (tree fs.FS, inside, folder string) {
	rest, other := strings.CutPrefix(file, t.below+"/")
	if !other {
		return t.FS, file, ""
	}
	element, inside, deeper := strings.Cut(rest, "/")
	if !deeper {
		inside = "."
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if tree = t.mounts[element]; tree == nil {
		return t.FS, file, ""
	}
	return tree, inside, path.Join(t.below, element)
}

// as gives an error the path that was asked for.
func as(err error, file string) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return &fs.PathError{Op: of.Op, Path: file, Err: of.Err}
	}
	return err
}

// Open implements fs.FS.
func (t *Tree) Open(file string) (fs.File, error) {
	tree, inside, _ := t.at(file)
	opened, err := tree.Open(inside)
	return opened, as(err, file)
}

// ReadFile implements fs.ReadFileFS.
func (t *Tree) ReadFile(file string) ([]byte, error) {
	tree, inside, _ := t.at(file)
	text, err := fs.ReadFile(tree, inside)
	return text, as(err, file)
}

// ReadDir implements fs.ReadDirFS.
func (t *Tree) ReadDir(file string) ([]fs.DirEntry, error) {
	tree, inside, _ := t.at(file)
	entries, err := fs.ReadDir(tree, inside)
	return entries, as(err, file)
}

// Stat implements fs.StatFS.
func (t *Tree) Stat(file string) (fs.FileInfo, error) {
	tree, inside, _ := t.at(file)
	info, err := fs.Stat(tree, inside)
	return info, as(err, file)
}

// Through returns the links on the way of a path, as the tree of a revision does.
func (t *Tree) Through(file string) []string {
	tree, inside, folder := t.at(file)
	links, ok := tree.(interface{ Through(string) []string })
	if !ok {
		return nil
	}
	way := links.Through(inside)
	for i := range way {
		way[i] = path.Join(folder, way[i])
	}
	return way
}

// Only returns the part of a tree that is in one folder, and some files beside it, under the same
// paths: nothing else is there.
func Only(base fs.FS, folder string, files ...string) fs.FS { return &only{base, folder, files} }

// only is a tree of which only a folder and some files are there.
type only struct {
	fs.FS
	folder string
	files  []string
}

// check is an error for a path outside of the folder that is none of the files.
func (o *only) check(op, file string) error {
	if file == o.folder || strings.HasPrefix(file, o.folder+"/") || slices.Contains(o.files, file) {
		return nil
	}
	return &fs.PathError{Op: op, Path: file, Err: fs.ErrNotExist}
}

// Open implements fs.FS.
func (o *only) Open(file string) (fs.File, error) {
	if err := o.check("open", file); err != nil {
		return nil, err
	}
	return o.FS.Open(file)
}

// ReadFile implements fs.ReadFileFS.
func (o *only) ReadFile(file string) ([]byte, error) {
	if err := o.check("open", file); err != nil {
		return nil, err
	}
	return fs.ReadFile(o.FS, file)
}

// ReadDir implements fs.ReadDirFS.
func (o *only) ReadDir(file string) ([]fs.DirEntry, error) {
	if err := o.check("open", file); err != nil {
		return nil, err
	}
	return fs.ReadDir(o.FS, file)
}

// Stat implements fs.StatFS.
func (o *only) Stat(file string) (fs.FileInfo, error) {
	if err := o.check("stat", file); err != nil {
		return nil, err
	}
	return fs.Stat(o.FS, file)
}

// Through returns the links on the way of a path, as the tree of a revision does.
func (o *only) Through(file string) []string {
	if links, ok := o.FS.(interface{ Through(string) []string }); ok {
		return links.Through(file)
	}
	return nil
}
