package app

import (
	"io/fs"
	"path"
)

// Linked returns the files of a folder as the server shows those of a revision: a
// symbolic link in a listing is what it leads to. fsys decides how far links lead.
func Linked(fsys fs.FS) fs.FS { return linked{fsys} }

type linked struct{ fs.FS }

// ReadDir implements fs.ReadDirFS.
func (l linked) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(l.FS, name)
	for i, entry := range entries {
		if entry.Type()&fs.ModeSymlink == 0 {
			continue
		}
		if info, err := fs.Stat(l.FS, path.Join(name, entry.Name())); err == nil {
			entries[i] = link{fs.FileInfoToDirEntry(info), entry.Name()}
		}
	}
	return entries, err
}

// ReadFile implements fs.ReadFileFS.
func (l linked) ReadFile(name string) ([]byte, error) { return fs.ReadFile(l.FS, name) }

// Stat implements fs.StatFS.
func (l linked) Stat(name string) (fs.FileInfo, error) { return fs.Stat(l.FS, name) }

// link is what a link leads to, under the link's name.
type link struct {
	fs.DirEntry
	name string
}

// Name implements fs.DirEntry.
func (l link) Name() string { return l.name }
