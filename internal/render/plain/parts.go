package plain

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Part is a file or folder of manifests, or a glob of them.
type Part struct {
	Path   string          // relative to the root of the revision, clean
	Source manifest.Source // the place that names it
}

// parts renders the parts in turn; a file that several of them name is rendered once.
func (r *renderer) parts(parts []Part) {
	for _, part := range parts {
		if r.stopped {
			return
		}
		met, problems := r.met, len(r.problems)
		if isGlob(part.Path) {
			r.glob(part.Path)
		} else {
			r.part(part)
		}
		if r.met == met && len(r.problems) == problems {
			r.wrongPart(part, "there is no manifest in "+part.Path, "manifests are .yaml, .yml and .json files; the path is from the app's folder")
		}
	}
}

func (r *renderer) wrongPart(part Part, message, hint string) {
	r.problems = append(r.problems, manifest.Problem{Source: part.Source, Message: "manifests: " + message, Hint: hint})
}

// part renders the file or folder that a part names.
func (r *renderer) part(part Part) {
	info, err := fs.Stat(r.fsys, part.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.wrongPart(part, "there is no file or folder "+part.Path, "the path is from the app's folder")
	case err != nil:
		r.wrongPart(part, part.Path+": "+manifest.WhyUnread(err), "name a file or folder of the repository")
	case info.IsDir():
		r.folder(part.Path)
	case !isManifest(part.Path):
		r.wrongPart(part, part.Path+" is no manifest by its name", "manifests are .yaml, .yml and .json files")
	default:
		r.file(path.Dir(part.Path), member{fs.FileInfoToDirEntry(info), part.Path, nil})
	}
}

// again reports whether a file was already read for another part.
func (r *renderer) again(name string) bool {
	if r.done == nil {
		return false
	}
	again := r.done[name]
	r.done[name] = true
	return again
}

// isGlob reports whether a path is a pattern.
func isGlob(name string) bool { return strings.ContainsAny(name, "*?[") }

// glob renders the files and folders that match a pattern, except hidden ones and files
// that are no manifests.
func (r *renderer) glob(pattern string) {
	folders := []string{"."}
	elements := strings.Split(pattern, "/")
	last := elements[len(elements)-1]
	for _, element := range elements[:len(elements)-1] {
		var inside []string
		for _, folder := range folders {
			for _, entry := range r.matching(folder, element) {
				if entry.IsDir() {
					inside = append(inside, path.Join(folder, entry.Name()))
				}
			}
		}
		folders = inside
	}
	for _, folder := range folders {
		if !r.enter(path.Join(folder, last)) {
			return
		}
		for _, m := range r.keep(folder, r.matching(folder, last)) {
			switch {
			case m.IsDir():
				r.folder(m.path)
			case isManifest(m.path):
				r.file(folder, m)
			}
		}
	}
}

// matching lists the entries of a folder whose names match a pattern.
func (r *renderer) matching(folder, pattern string) []fs.DirEntry {
	entries, err := fs.ReadDir(r.fsys, folder)
	if err != nil {
		return nil // not a readable folder: nothing matches in it
	}
	var found []fs.DirEntry
	for _, entry := range entries {
		if r.entries++; r.entries > MaxEntries {
			r.stop(folder, fmt.Sprintf("more than %d files and folders were looked at for manifests", MaxEntries), "name their folder")
			return nil
		}
		if ok, _ := path.Match(pattern, entry.Name()); ok && (!strings.HasPrefix(entry.Name(), ".") || strings.HasPrefix(pattern, ".")) {
			found = append(found, entry)
		}
	}
	return found
}
