package plain

import (
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Read is the result of reading a folder. The next rendering takes from it the objects
// of unchanged files, by Git's hashes, so that the cost of a push grows with its
// changes. It has no more files and objects than the folder. Neither it nor its objects
// ever change.
type Read struct {
	// Objects are in the order of their files' paths, and of their places in a file.
	Objects []*manifest.Object
	// Digests are those of the objects, see manifest.Digest.
	Digests []string
	// Sorted are the digests in their own order.
	Sorted []string
	// Special are those of the objects that are special, see manifest.Object.IsSpecial.
	Special []*manifest.Object

	path    string
	exclude []string
	files   appfile.Files
	ignores map[string]string  // the texts of ignore files, by their folders
	folders map[string][]*file // the files of each folder, in the order of names
}

// file is the result of reading one file.
type file struct {
	path    string
	hash    string // "": the revision has no hashes, or the file has problems
	size    int
	objects []*manifest.Object
	digests []string
	special []*manifest.Object
}

func newRead(folder Folder) *Read {
	return &Read{path: folder.Path, exclude: folder.Exclude, files: folder.Files, ignores: map[string]string{}, folders: map[string][]*file{}, Special: []*manifest.Object{}}
}

// fits reports whether the settings of a folder select the same files as then. nil fits
// nothing.
func (r *Read) fits(folder Folder) bool {
	return r != nil && r.path == folder.Path && slices.Equal(r.exclude, folder.Exclude) && reflect.DeepEqual(r.files, folder.Files)
}

// grow makes room for the objects of so many more files.
func (r *Read) grow(files int) {
	r.Objects, r.Digests = slices.Grow(r.Objects, files), slices.Grow(r.Digests, files)
}

// add adds the result of reading a file in a folder.
func (r *Read) add(folder string, found *file) {
	r.Objects, r.Digests = append(r.Objects, found.objects...), append(r.Digests, found.digests...)
	r.Special = append(r.Special, found.special...)
	if found.hash != "" {
		r.folders[folder] = append(r.folders[folder], found)
	}
}

// in returns the files that were read of a folder, in the order of names. Most of ten
// thousand files of a folder are unchanged, so this avoids building and looking up a
// path for each.
func (r *Read) in(folder string) formerly {
	if r == nil {
		return nil
	}
	return r.folders[folder]
}

// formerly are the known files of a folder that are still to come.
type formerly []*file

// take returns the result of reading a file, if the file is unchanged; else nil.
// Callers must ask in the order of names.
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

// ignored reports whether the ignore file of a folder is unchanged.
func (r *Read) ignored(folder, text string) bool { return r == nil || r.ignores[folder] == text }

// hashed is an entry of a revision with hashes, like those of package git.
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
