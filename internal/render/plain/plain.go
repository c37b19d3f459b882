// Package plain renders a folder of Kubernetes manifests as they are: every
// .yaml, .yml and .json file in it and below, in the order of their paths.
package plain

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Limits on one app. All are far above the size of real apps, and keep a hostile
// repository from filling the memory (CVE-2022-31016, CVE-2025-55199: huge and many
// files).
const (
	// MaxEntries bounds the files and folders that are examined, of any kind.
	MaxEntries = 100_000
	// MaxDepth bounds the nesting of folders.
	MaxDepth = 40
	// MaxFiles bounds the files of manifests.
	MaxFiles = 10_000
	// MaxBytes bounds their total size. The largest published stacks have about 10 MB.
	MaxBytes = 64 << 20
	// MaxObjects bounds the objects.
	MaxObjects = 20_000
	// MaxProblems is the number of problems after which no more files are read.
	MaxProblems = 500
)

// Folder is a folder to render.
type Folder struct {
	Path    string        // relative to the root of the revision
	Exclude []string      // folders below Path that are not part of it
	Files   appfile.Files // the manifests that are meant
	// Mark marks unquoted texts, see manifest.ParseMarked; nil marks none.
	Mark func(string) string
	// Before is the result of the last reading, with the same Mark; unchanged files are
	// not read again. It may be nil.
	Before *Read
	// Parts, if there are any, are rendered instead of everything in Path.
	Parts []Part
}

// Render returns the objects of a folder of the revision whose root is fsys, and all
// problems of its files.
//
// It skips hidden files and folders (.git, .github), pushboat.yaml at the root, files
// that are no manifests by their extension, and files that .pushboatignore names (see
// Ignore). Symbolic links appear as their targets: a revision follows those that lead
// to one of its own entries. It refuses all others and submodules (CVE-2022-24348:
// their targets are not part of the revision), names that do not print, YAML files that
// are no Kubernetes objects, and the input of kustomize and Helm.
func Render(fsys fs.FS, folder Folder) (*Read, manifest.Problems) {
	r := &renderer{fsys: fsys, exclude: folder.Exclude, files: choose(folder), mark: folder.Mark, before: folder.Before, read: newRead(folder)}
	if !folder.Before.fits(folder) {
		r.before = nil
	}
	if len(folder.Parts) > 0 {
		r.before, r.done = nil, map[string]bool{}
		r.parts(folder.Parts)
	} else {
		r.folder(folder.Path)
	}
	r.read.sort(r.before)
	return r.read, r.problems
}

// folder renders a folder with everything in it.
func (r *renderer) folder(name string) {
	if r.enter(name) {
		r.walk(name, 0)
	}
}

// renderer holds the state of one walk.
type renderer struct {
	fsys    fs.FS
	exclude []string
	files   chosen
	mark    func(string) string
	ignore  Ignore

	done map[string]bool // of parts: the ignore files and manifests that were read
	met  int             // manifests, counting repeats

	before   *Read // nil after the first ignore file that has changed
	read     *Read
	problems manifest.Problems

	entries, count, bytes int
	stopped               bool
}

func (r *renderer) add(file, message, hint string) {
	r.problems = append(r.problems, manifest.Problem{
		Source:  manifest.Source{File: file},
		Message: message,
		Hint:    hint,
	})
}

// stop notes the limit that ends the walk.
func (r *renderer) stop(file, message, hint string) {
	if !r.stopped {
		r.stopped = true
		r.add(file, message, hint)
	}
}

// enter reads the .pushboatignore files above the folder, and reports whether
// the folder can be rendered.
func (r *renderer) enter(folder string) bool {
	if folder == "." {
		return !r.stopped
	}
	above := "."
	for element := range strings.SplitSeq(path.Dir(folder), "/") {
		r.readIgnore(above)
		above = path.Join(above, element)
	}
	if above != "." {
		r.readIgnore(above)
	}
	return !r.stopped
}

// walk renders one folder and those in it.
func (r *renderer) walk(folder string, depth int) {
	if depth > MaxDepth {
		r.stop(folder, fmt.Sprintf("folders are nested deeper than %d", MaxDepth), "")
		return
	}
	entries, err := fs.ReadDir(r.fsys, folder)
	if err != nil {
		r.add(folder, manifest.WhyUnread(err), "")
		return
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	r.readIgnore(folder)
	r.read.grow(len(entries))
	kept := r.keep(folder, entries)
	if r.refuseBuilt(folder, kept) {
		return
	}
	for _, m := range kept {
		if r.stopped {
			return
		}
		switch {
		case m.IsDir():
			r.walk(m.path, depth+1)
		case m.known != nil || isManifest(m.path):
			r.file(folder, m)
		}
	}
}

// member is an entry of a folder of the app.
type member struct {
	fs.DirEntry
	path  string
	known *file // the last reading of it, if it is unchanged
}

// keep returns the entries of a folder that are part of the app, and reports those that
// no app may have.
func (r *renderer) keep(folder string, entries []fs.DirEntry) []member {
	kept := make([]member, 0, len(entries))
	before := r.before.in(folder)
	for _, entry := range entries {
		if r.entries++; r.entries > MaxEntries {
			r.stop(folder, fmt.Sprintf("the app has more than %d files and folders", MaxEntries), "give it a path of its own in "+appfile.Name)
			return nil
		}
		if known := before.take(entry); known != nil {
			kept = append(kept, member{entry, known.path, known}) // as it was then
			continue
		}
		name := under(folder, entry.Name())
		switch {
		case strings.HasPrefix(entry.Name(), ".") || name == appfile.Name || slices.Contains(r.exclude, name):
		case r.ignore.Match(name, entry.IsDir()):
		case !r.files.has(name, entry.IsDir()):
		case !utf8.ValidString(entry.Name()) || manifest.Clean(entry.Name()) != entry.Name():
			r.add(name, "the name has characters that do not print", "rename it")
		case entry.Type()&fs.ModeSymlink != 0 && path.Ext(name) != "" && !isManifest(name):
			// it leads nowhere, and nobody reads it
		case entry.Type()&fs.ModeSymlink != 0: // a link that leads somewhere appears as its target
			_, err := fs.Stat(r.fsys, name)
			r.add(name, linkError(name, err), "put the file in its place, or name it in "+IgnoreName)
		case !entry.IsDir() && !entry.Type().IsRegular():
			r.add(name, "submodules are not read", "put the files in its place, or name it in "+IgnoreName)
		default:
			kept = append(kept, member{entry, name, nil})
		}
	}
	if err := r.ignore.Err(); err != nil {
		r.stop(path.Join(folder, IgnoreName), err.Error(), "write fewer patterns, with fewer wildcards")
		return nil
	}
	return kept
}

// isManifest reports whether a file is a manifest by its name.
func isManifest(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// builtFrom are the files that mark a folder as the input of another tool.
var builtFrom = map[string]string{
	"kustomization.yaml": "kustomize",
	"kustomization.yml":  "kustomize",
	"Kustomization":      "kustomize",
	"Chart.yaml":         "Helm",
}

// refuseBuilt reports a folder that is the input of kustomize or Helm, once instead of
// for each of its files. The walk does not enter it: a chart's templates are no
// manifests, and a kustomization reads its own folders.
func (r *renderer) refuseBuilt(folder string, entries []member) bool {
	for _, entry := range entries {
		if entry.known != nil {
			continue // it was no such file
		}
		if tool, ok := builtFrom[entry.Name()]; ok && !entry.IsDir() {
			hint := fmt.Sprintf("give it an app of its own (path: %s in %s), or name the file in %s", folder, appfile.Name, IgnoreName)
			if r.done != nil {
				hint = "name files and folders of manifests alone under manifests in " + appfile.Name
			}
			r.add(path.Join(folder, entry.Name()), "this folder is the input of "+tool+", and the app's manifests are plain", hint)
			return true
		}
	}
	return false
}

// file reads the objects of one file of a folder.
func (r *renderer) file(folder string, m member) {
	name := m.path
	if r.met++; r.again(name) {
		return
	}
	switch r.count++; {
	case r.count > MaxFiles:
		r.stop(name, fmt.Sprintf("the app has more than %d manifests", MaxFiles), "split it into several apps")
		return
	case len(r.problems) > MaxProblems:
		r.stop(name, "there are many problems; files from here on were not read", "")
		return
	}
	found := m.known
	if found == nil {
		if found = r.parse(name, m.DirEntry); found == nil {
			return
		}
	}
	if r.bytes += found.size; r.bytes > MaxBytes {
		r.stop(name, fmt.Sprintf("the app's manifests have more than %d bytes", MaxBytes), "split it into several apps")
		return
	}
	if r.read.add(folder, found); len(r.read.Objects) > MaxObjects {
		r.stop(name, fmt.Sprintf("the app has more than %d objects", MaxObjects), "split it into several apps")
	}
}

// parse reads the objects of a file that is new or changed; nil if it cannot be read at
// all.
func (r *renderer) parse(name string, entry fs.DirEntry) *file {
	data, err := readFile(r.fsys, name, manifest.MaxFileBytes)
	if err != nil {
		r.add(name, manifest.WhyUnread(err), "name the file in "+IgnoreName+" if it is not meant for the cluster")
		return nil
	}
	objects, problems := manifest.ParseMarked(name, data, r.mark)
	r.problems = append(r.problems, problems...)
	found := &file{path: name, size: len(data), objects: objects, digests: make([]string, len(objects)), special: manifest.SpecialOf(objects)}
	for i, o := range objects {
		found.digests[i] = manifest.Digest(o.Unstructured)
	}
	if len(problems) == 0 {
		found.hash = strings.Clone(hashOf(entry)) // a substring of the whole folder's
	}
	return found
}

// readFile reads a file of at most limit bytes.
func readFile(fsys fs.FS, name string, limit int) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, fmt.Errorf("the file is larger than %d bytes", limit)
	}
	return data, nil
}

// linkError says why a link cannot be followed.
func linkError(name string, err error) string {
	if err == nil {
		return "the symbolic link cannot be followed"
	}
	return strings.TrimPrefix(manifest.WhyUnread(err), name+": ")
}
