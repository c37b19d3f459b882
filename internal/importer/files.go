package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/argo"
	"github.com/pushboat/pushboat/internal/importer/flux"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Limits on the search for objects of other tools in a revision.
const (
	maxEntries = 100_000 // files and folders; see plain.MaxEntries
	maxFile    = 1 << 20 // bytes of a file that is searched
)

// marks are texts of which each file with an object of another tool that means apps has one.
var marks = [][]byte{[]byte("kustomize.toolkit.fluxcd.io/"), []byte("helm.toolkit.fluxcd.io/"), []byte("argoproj.io/")}

// scanner finds all objects of other tools.
var scanner = meaning.Scanner{
	Marks:    slices.Concat(marks, [][]byte{[]byte("source.toolkit.fluxcd.io/"), []byte("source.extensions.fluxcd.io/"), []byte(argo.ConfigName)}),
	Keeps:    isMeant,
	Tells:    argo.Tells,
	Template: argo.IsTemplate,
}

// isMeant reports whether an object is read as apps, or for them.
func isMeant(o *manifest.Object) bool {
	return (flux.Is(o) || argo.Is(o)) && o.GetKind() != "CustomResourceDefinition"
}

// marked reports whether a text may have an object of another tool.
func marked(text []byte) bool {
	for _, mark := range marks {
		if bytes.Contains(text, mark) {
			return true
		}
	}
	return false
}

// Finder knows which files and folders have objects of other tools, and which, by their hashes: a
// push that changes a file has that file alone searched.
type Finder struct {
	mu    sync.Mutex
	known map[string]bool
	shelf meaning.Shelf
}

// maxKnown bounds the hashes that a Finder remembers.
const maxKnown = 200_000

// Uses reports whether the apps of a revision are objects of other tools: it has some, and no
// pushboat.yaml that says otherwise.
func (f *Finder) Uses(fsys fs.FS, settings appfile.Import) bool {
	if settings.Tool != "" {
		return true
	}
	if _, err := fs.Stat(fsys, appfile.Name); !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	left := maxEntries
	return f.has(fsys, entryIn{name: "."}, &left)
}

// entryIn is a file or folder of a revision, and whether it is among the templates of a chart.
type entryIn struct {
	name     string
	template bool
}

// has reports whether a file or folder has any.
func (f *Finder) has(fsys fs.FS, in entryIn, left *int) bool {
	name := in.name
	info, err := fs.Stat(fsys, name)
	if *left--; err != nil || *left < 0 {
		return false
	}
	hash := hashIn(info)
	if hash != "" && in.template {
		hash += " of a chart"
	}
	if known, ok := f.recall(hash); ok {
		return known
	}
	found := false
	if info.IsDir() {
		entries, err := fs.ReadDir(fsys, name)
		if err != nil {
			return false
		}
		for _, entry := range entries {
			inner := entryIn{path.Join(name, entry.Name()), in.template || entry.IsDir() && entry.Name() == "templates" && isChart(fsys, name)}
			if searched(inner.name, entry) && f.has(fsys, inner, left) {
				found = true
				break
			}
		}
	} else if info.Size() <= maxFile {
		text, err := fs.ReadFile(fsys, name)
		found = err == nil && marked(text) && (in.template && argo.IsTemplate(text) || slices.ContainsFunc(objectsOf(name, text), isApp))
	}
	if *left >= 0 {
		f.note(hash, found)
	}
	return found
}

// isChart reports whether a folder has a chart.
func isChart(fsys fs.FS, folder string) bool {
	info, err := fs.Stat(fsys, path.Join(folder, "Chart.yaml"))
	return err == nil && !info.IsDir()
}

// hashIn is the hash of an entry; "" in a work tree, which has none.
func hashIn(info fs.FileInfo) string {
	if hash, ok := info.Sys().(fmt.Stringer); ok {
		return hash.String()
	}
	return ""
}

func (f *Finder) recall(hash string) (found, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, known = f.known[hash]
	return found, known
}

func (f *Finder) note(hash string, found bool) {
	if hash == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil || len(f.known) >= maxKnown {
		f.known = map[string]bool{}
	}
	f.known[hash] = found
}

// isApp reports whether an object means an app, or several.
func isApp(o *manifest.Object) bool {
	return slices.Contains([]string{"Kustomization", "HelmRelease", "Application", "ApplicationSet"}, o.GetKind())
}

// searched reports whether objects are looked for in an entry: a folder that is not hidden, or
// a file with the extension of manifests.
func searched(name string, entry fs.DirEntry) bool {
	base := path.Base(name)
	switch ext := strings.ToLower(path.Ext(base)); {
	case strings.HasPrefix(base, "."), entry.Type()&fs.ModeSymlink != 0:
		return false
	case entry.IsDir():
		return true
	default:
		return ext == ".yaml" || ext == ".yml"
	}
}

// objectsOf are the objects of other tools in a file. Others in it do not matter, and neither
// do their mistakes: whoever renders the file reports them.
func objectsOf(name string, text []byte) []*manifest.Object {
	objects, _ := manifest.Parse(name, text)
	var found []*manifest.Object
	for _, o := range objects {
		if isMeant(o) {
			found = append(found, o)
		}
	}
	return found
}

// onlyObjects reports whether all manifests in a folder and below are objects of Kubernetes, so
// that Flux could build it without a kustomization. A folder below that has one is built by it. The finder, which may be nil, remembers it.
func (f *Finder) onlyObjects(fsys fs.FS, folder string) bool {
	hash := ""
	if info, err := fs.Stat(fsys, folder); f != nil && err == nil {
		if hash = hashIn(info); hash != "" {
			hash = "objects:" + hash
		}
		if known, ok := f.recall(hash); ok {
			return known
		}
	}
	entries, links := 0, false
	err := fs.WalkDir(fsys, folder, func(name string, entry fs.DirEntry, err error) error {
		if entries++; err != nil || entries > maxEntries {
			return errors.Join(err, errOthers)
		}
		of, hashed := entry.(interface{ ContentHash() string })
		links = links || name != folder && (!hashed || of.ContentHash() == "")
		switch ok := name == folder || searched(name, entry); {
		case !ok && entry.IsDir():
			return fs.SkipDir
		case entry.IsDir() && name != folder && builds(fsys, name):
			return fs.SkipDir
		case !ok, entry.IsDir():
			return nil
		case slices.Contains(meaning.Kustomizations(), path.Base(name)):
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		if _, problems := manifest.Parse(name, text); len(problems) > 0 {
			return errOthers
		}
		return nil
	})
	if f != nil && !links && (err == nil || errors.Is(err, errOthers)) {
		f.note(hash, err == nil)
	}
	return err == nil
}

// builds reports whether a folder has a kustomization.
func builds(fsys fs.FS, folder string) bool {
	return slices.ContainsFunc(meaning.Kustomizations(), func(base string) bool {
		info, err := fs.Stat(fsys, path.Join(folder, base))
		return err == nil && !info.IsDir()
	})
}

var errOthers = errors.New("there is more than objects")

// written are all objects of other tools in the files of a revision that Flux may read, whose
// layout is noted.
func written(scan *meaning.Scan, layout *meaning.Layout) ([]*manifest.Object, manifest.Problems) {
	if scan.Err != nil {
		return nil, manifest.Problems{{Message: "look for objects of Flux: " + scan.Err.Error(), Hint: "add a " + appfile.Name}}
	}
	var found []*manifest.Object
	scan.Visit(func(meaning.Dir) bool { return true }, func(p *meaning.Page) {
		layout.Note(p)
		if ext := strings.ToLower(path.Ext(p.File)); (ext == ".yaml" || ext == ".yml") && p.Size <= maxFile {
			found = append(found, p.Objects...)
		}
	})
	return found, nil
}
