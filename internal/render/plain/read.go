package plain

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Read is what was read of a folder. The next rendering takes from it the objects of
// the files that are as they were, by Git's hashes, so that a push costs what it
// changes. It has no more files and objects than the folder; it is never changed, nor
// are its objects.
type Read struct {
	// Objects are in the order of their files' paths, and in a file as they were
	// written.
	Objects []*manifest.Object
	// Digests are those of the objects, see manifest.Digest.
	Digests []string

	path    string
	exclude []string
	ignores map[string]string  // the texts of ignore files, by their folders
	folders map[string][]*file // the files that each folder has, in the order of names
}

// file is what was read of one file.
type file struct {
	path    string
	hash    string // "": of a revision without hashes, or it has problems
	size    int
	objects []*manifest.Object
	digests []string
}

func newRead(folder Folder) *Read {
	return &Read{path: folder.Path, exclude: folder.Exclude, ignores: map[string]string{}, folders: map[string][]*file{}}
}

// fits reports whether a folder has the same files as then, as far as its settings
// say. nil fits nothing.
func (r *Read) fits(folder Folder) bool {
	return r != nil && r.path == folder.Path && slices.Equal(r.exclude, folder.Exclude)
}

// grow makes room for the objects of so many more files.
func (r *Read) grow(files int) {
	r.Objects, r.Digests = slices.Grow(r.Objects, files), slices.Grow(r.Digests, files)
}

// add takes up what was read of a file in a folder.
func (r *Read) add(folder string, found *file) {
	r.Objects, r.Digests = append(r.Objects, found.objects...), append(r.Digests, found.digests...)
	if found.hash != "" {
		r.folders[folder] = append(r.folders[folder], found)
	}
}

// in returns the files that were read of a folder, to be gone through in the order of
// names. Most of ten thousand files of a folder are as they were: neither is a path made
// of each, nor is it looked up.
func (r *Read) in(folder string) formerly {
	if r == nil {
		return nil
	}
	return r.folders[folder]
}

// formerly are the files that were read of a folder and that are still to come.
type formerly []*file

// take returns what was read of a file, if it was as it is now; else nil. Files are
// asked for in the order of their names.
func (f *formerly) take(entry fs.DirEntry) *file {
	name := entry.Name()
	for len(*f) > 0 {
		first := (*f)[0]
		switch order := strings.Compare(path.Base(first.path), name); {
		case order > 0:
			return nil
		case order == 0 && entry.Type().IsRegular() && first.hash == hashOf(entry):
			return first
		case order == 0:
			return nil
		}
		*f = (*f)[1:]
	}
	return nil
}

// ignored reports whether the ignore files that were read so far are those of then.
func (r *Read) ignored(folder, text string) bool { return r == nil || r.ignores[folder] == text }

// hashed is an entry of a revision that has hashes, as those of package git are.
type hashed interface{ ContentHash() string }

func hashOf(entry fs.DirEntry) string {
	if entry, ok := entry.(hashed); ok {
		return entry.ContentHash()
	}
	return ""
}

// under is the path of a folder's member.
func under(folder, name string) string {
	if folder == "." {
		return name
	}
	return folder + "/" + name
}
