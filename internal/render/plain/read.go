package plain

import (
	"io/fs"
	"slices"

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
	ignores map[string]string // the texts of ignore files, by their folders
	files   map[string]file   // by path
}

// file is what was read of one file.
type file struct {
	hash    string // "": of a revision without hashes, or it has problems
	size    int
	objects []*manifest.Object
	digests []string
}

func newRead(folder Folder) *Read {
	r := &Read{path: folder.Path, exclude: folder.Exclude, ignores: map[string]string{}, files: map[string]file{}}
	if folder.Before != nil {
		r.files = make(map[string]file, len(folder.Before.files))
	}
	return r
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

// add takes up what was read of a file.
func (r *Read) add(name string, found file) {
	r.Objects, r.Digests = append(r.Objects, found.objects...), append(r.Digests, found.digests...)
	if found.hash != "" {
		r.files[name] = found
	}
}

// has reports whether a file was read as it is now.
func (r *Read) has(name string, entry fs.DirEntry) bool {
	_, ok := r.file(name, entry)
	return ok
}

// file returns what was read of a file, if it was as it is now.
func (r *Read) file(name string, entry fs.DirEntry) (file, bool) {
	if r == nil || !entry.Type().IsRegular() {
		return file{}, false
	}
	known, ok := r.files[name]
	return known, ok && known.hash == hashOf(entry)
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
