package kustomize

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/pushboat/pushboat/internal/render/substitute"
)

// files presents a revision as the file system that kustomize needs: with absolute
// paths, whose root is that of the revision. It is read-only.
type files struct {
	fsys     fs.FS
	replaced map[string][]byte // content to read instead of files, by path in the revision
	marks    *substitute.Marks
	asIs     map[string]bool // files in which nothing is marked
}

var _ filesys.FileSystem = &files{}

// inRevision returns an absolute path as a path in the revision. The path may result
// from ../ that leads above the root: that is the root again.
func inRevision(name string) string {
	clean := strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/")
	if clean == "" {
		return "."
	}
	return clean
}

func readOnly(op, name string) error {
	return &fs.PathError{Op: op, Path: inRevision(name), Err: fs.ErrPermission}
}

func (f *files) Create(name string) (filesys.File, error) { return nil, readOnly("create", name) }
func (f *files) Mkdir(name string) error                  { return readOnly("mkdir", name) }
func (f *files) MkdirAll(name string) error               { return readOnly("mkdir", name) }
func (f *files) RemoveAll(name string) error              { return readOnly("remove", name) }
func (f *files) WriteFile(name string, _ []byte) error    { return readOnly("write", name) }
func (f *files) Glob(string) ([]string, error) {
	return nil, errors.New("patterns of files are not read")
}
func (f *files) Walk(name string, _ filepath.WalkFunc) error { return readOnly("walk", name) }

// Open opens a file for reading.
func (f *files) Open(name string) (filesys.File, error) {
	data, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(f.fsys, inRevision(name))
	return &opened{Reader: bytes.NewReader(data), info: info}, err
}

// IsDir reports whether the folder exists.
func (f *files) IsDir(name string) bool {
	info, err := fs.Stat(f.fsys, inRevision(name))
	return err == nil && info.IsDir()
}

// Exists reports whether the file or folder exists.
func (f *files) Exists(name string) bool {
	_, err := fs.Stat(f.fsys, inRevision(name))
	return err == nil
}

// ReadDir returns the names in a folder.
func (f *files) ReadDir(name string) ([]string, error) {
	entries, err := fs.ReadDir(f.fsys, inRevision(name))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, nil
}

// CleanedAbs splits a path into its folder and its file, which is "" for a
// folder.
func (f *files) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	clean := inRevision(name)
	info, err := fs.Stat(f.fsys, clean)
	if err != nil {
		return "", "", err
	}
	if info.IsDir() {
		return filesys.ConfirmedDir(path.Join("/", clean)), "", nil
	}
	return filesys.ConfirmedDir(path.Join("/", path.Dir(clean))), path.Base(clean), nil
}

// ReadFile returns the content of a file.
func (f *files) ReadFile(name string) ([]byte, error) {
	clean := inRevision(name)
	if data, ok := f.replaced[clean]; ok {
		return bytes.Clone(data), nil
	}
	data, err := fs.ReadFile(f.fsys, clean)
	if err == nil && !f.asIs[clean] {
		data = f.marks.Text(data)
	}
	return data, err
}

// opened is a file that was opened for reading.
type opened struct {
	*bytes.Reader
	info fs.FileInfo
}

func (o *opened) Close() error               { return nil }
func (o *opened) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *opened) Write([]byte) (int, error)  { return 0, fs.ErrPermission }
