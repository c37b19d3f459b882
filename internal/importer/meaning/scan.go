package meaning

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Limits on the search for objects of other tools in a revision.
const (
	maxEntries = 100_000 // files and folders; see plain.MaxEntries
	maxDepth   = 40      // folders in folders; those of an app have fewer

	// MaxKept bounds the memory, in bytes as weight estimates it, of the objects of other tools
	// in the files of a revision: twenty thousand Applications take as much.
	MaxKept = 64 << 20
)

// Scanner says what is looked for in the files of a revision.
type Scanner struct {
	// Marks are texts of which each file with an object that is looked for has one.
	Marks [][]byte
	// Keeps reports whether an object is looked for.
	Keeps func(*manifest.Object) bool
	// Tells reports whether the problems of a file are to be told.
	Tells func(text []byte) bool
	// Template reports whether a file, which no YAML need be, is a template of what is looked for.
	Template func(text []byte) bool

	most int64 // in place of MaxKept; 0: that
}

// Page is what a file has of what is looked for. It is shared with other revisions, and must not
// be changed, nor may its objects be.
type Page struct {
	File     string
	Size     int64
	Objects  []*manifest.Object
	Broken   bool              // something in the file is no object
	Wrong    manifest.Problems // if they are to be told
	Template bool

	builds *kustomization // nil: it is none
	weight int64
}

// Scan is what the files of a revision have of what is looked for.
type Scan struct {
	// Err is why something could not be read; nil if all was. Over says that it is a limit.
	Err  error
	Over bool

	root *folder
}

// folder is a folder of a revision.
type folder struct {
	path    string
	hash    string // of all that is in it and below; "": not known
	chart   bool   // it has a Chart.yaml
	items   []item // in the order of their names: folders, and files that may have something
	entries int    // files and folders in it and below
	pages   int    // likewise
	weight  int64  // likewise
	moves   bool   // something below is what a link leads to, which the hash does not say
}

// item is a folder, or a file; neither: a file that has nothing.
type item struct {
	name, hash string
	folder     *folder
	page       *Page
	foreign    bool // see IsForeign
}

// find returns the item with a name; the zero item if there is none.
func (f *folder) find(name string) item {
	if f == nil {
		return item{}
	}
	at, found := slices.BinarySearchFunc(f.items, name, func(i item, name string) int { return strings.Compare(i.name, name) })
	if !found {
		return item{}
	}
	return f.items[at]
}

// scanning is a search that goes on.
type scanning struct {
	*Scanner
	tree    fs.FS
	entries int
	kept    int64
	err     error
	over    bool // a limit was reached: nothing more is read
}

// Scan looks through the files of a revision. Folders and files that the shelf knows from the
// last revision of the repository are not read again.
func (s *Scanner) Scan(w World) *Scan {
	run := &scanning{Scanner: s, tree: w.Tree}
	before := w.Shelf.get(w.Repo)
	hash := ""
	if info, err := fs.Stat(w.Tree, "."); err == nil {
		if text, ok := info.Sys().(fmt.Stringer); ok {
			hash = text.String()
		}
	}
	root := run.folder(place{path: ".", hash: hash}, before, 0)
	if run.err == nil {
		w.Shelf.put(w.Repo, root)
	}
	return &Scan{root: root, Err: run.err, Over: run.over}
}

// place is where something is, and its hash; "" if that is not known.
type place struct{ path, hash string }

func (s *scanning) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// stop is fail for what ends the search.
func (s *scanning) stop(err error) {
	s.fail(err)
	s.over = true
}

// count counts files and folders, and what is kept of them, against the limits.
func (s *scanning) count(entries int, weight int64) {
	if s.entries += entries; s.entries > maxEntries {
		s.stop(fmt.Errorf("there are more than %d files and folders", maxEntries))
	}
	if s.kept += weight; s.kept > cmp.Or(s.most, MaxKept) {
		s.stop(fmt.Errorf("the objects in files take more than %d MiB of memory", MaxKept>>20))
	}
}

// folder looks through a folder; before is what it was before, nil if that is not known.
func (s *scanning) folder(at place, before *folder, depth int) *folder {
	if before != nil && at.hash != "" && before.hash == at.hash && !before.moves {
		s.count(before.entries, before.weight)
		return before
	}
	f := &folder{path: at.path, hash: at.hash}
	if depth > maxDepth {
		s.stop(fmt.Errorf("%s: there are more than %d folders in each other", at.path, maxDepth))
		return f
	}
	entries, err := fs.ReadDir(s.tree, at.path)
	if err != nil {
		s.fail(err)
		return f
	}
	if !slices.IsSortedFunc(entries, byName) {
		slices.SortFunc(entries, byName)
	}
	for _, entry := range entries {
		s.count(1, 0)
		f.entries++
		if s.over {
			return f
		}
		s.entry(f, entry, before.find(entry.Name()), depth)
	}
	return f
}

func byName(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) }

// hashed is an entry with a hash, as those of Git have: "" for what a link leads to.
type hashed interface{ ContentHash() string }

// entry looks through an entry of a folder.
func (s *scanning) entry(f *folder, entry fs.DirEntry, before item, depth int) {
	name := entry.Name()
	if strings.HasPrefix(name, ".") {
		return
	}
	at := place{path: path.Join(f.path, name)}
	if of, ok := entry.(hashed); ok {
		at.hash = of.ContentHash()
	}
	f.moves = f.moves || at.hash == "" || entry.Type()&fs.ModeSymlink != 0
	switch {
	case entry.Type()&fs.ModeSymlink != 0: // it leads nowhere
	case entry.IsDir():
		f.add(item{name: name, hash: at.hash, folder: s.folder(at, before.folder, depth+1)})
	case name == chartFile:
		f.chart = true
	case !isManifest(name):
	case at.hash != "" && before.hash == at.hash && before.folder == nil:
		f.add(before)
		if before.page != nil {
			s.count(0, before.page.weight)
		}
	default:
		page, foreign := s.file(at.path, entry)
		f.add(item{name: name, hash: at.hash, page: page, foreign: foreign})
	}
}

// chartFile is in the folder of each chart.
const chartFile = "Chart.yaml"

// itemWeight is about what an item takes in memory, in bytes.
const itemWeight = 150

func (f *folder) add(i item) {
	f.items = append(f.items, i)
	f.weight += itemWeight
	switch {
	case i.folder != nil:
		f.entries, f.pages, f.weight = f.entries+i.folder.entries, f.pages+i.folder.pages, f.weight+i.folder.weight
		f.moves = f.moves || i.folder.moves
	case i.page != nil:
		f.pages, f.weight = f.pages+1, f.weight+i.page.weight
	}
}

// isManifest reports whether a file may have objects, or be a kustomization.
func isManifest(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return slices.Contains(kustomizations, name)
}

// file reads what a file has, nil for nothing, and whether it is foreign. One that is too large has
// nothing.
func (s *scanning) file(name string, entry fs.DirEntry) (page *Page, foreign bool) {
	info, err := entry.Info()
	if err != nil {
		s.fail(err)
		return nil, false
	}
	if info.Size() > manifest.MaxFileBytes {
		return nil, false
	}
	text, err := fs.ReadFile(s.tree, name)
	if err != nil {
		s.fail(err)
		return nil, false
	}
	foreign = IsForeign(name, text)
	p := &Page{File: name, Size: int64(len(text)), builds: readKustomization(name, text)}
	if marked := slices.ContainsFunc(s.Marks, func(mark []byte) bool { return bytes.Contains(text, mark) }); marked {
		s.read(p, text)
	}
	if p.builds == nil && len(p.Objects)+len(p.Wrong) == 0 && !p.Template {
		return nil, foreign
	}
	p.weight += p.builds.weight()
	s.count(0, p.weight)
	return p, foreign
}

// read reads the objects of a file.
func (s *scanning) read(p *Page, text []byte) {
	p.Template = s.Template(text)
	objects, problems := manifest.Parse(p.File, text)
	p.Broken = len(problems) > 0
	for _, o := range objects {
		if s.Keeps(o) {
			p.Objects = append(p.Objects, o)
			p.weight += Weight(o.Object)
		}
	}
	if p.Broken && s.Tells(text) {
		p.Wrong = problems
	}
	p.weight += int64(len(p.Wrong)) * itemWeight
}

// Weight is about what a value of an object takes in memory, with its lines, in bytes.
func Weight(value any) int64 {
	switch value := value.(type) {
	case string:
		return int64(len(value)) + 16
	case []any:
		weight := int64(64)
		for _, element := range value {
			weight += 32 + Weight(element)
		}
		return weight
	case map[string]any:
		weight := int64(320) // a small mapping has room for eight fields
		for key, inner := range value {
			weight += int64(len(key)) + 32 + Weight(inner)
		}
		if len(value) > 8 {
			weight += int64(len(value)) * 40
		}
		return weight
	}
	return 8
}

// Page is that of a file; nil if it has nothing.
func (s *Scan) Page(file string) *Page { return s.find(file).page }

// Foreign reports whether a file of the revision is foreign; see IsForeign.
func (s *Scan) Foreign(file string) bool { return s.find(file).foreign }

// find is the item of a file; the zero item if it is not known.
func (s *Scan) find(file string) item {
	at := s.root
	for at != nil {
		first, rest, deeper := strings.Cut(file, "/")
		found := at.find(first)
		if !deeper {
			return found
		}
		at, file = found.folder, rest
	}
	return item{}
}

// Dir is a folder below the root that is visited.
type Dir struct {
	Path    string
	OfChart bool // the folder that it is in is that of a chart

	folder *folder
}

// Templates reports whether files in the folder, or below, are templates.
func (d Dir) Templates() bool {
	return slices.ContainsFunc(d.folder.items, func(i item) bool {
		return i.page != nil && i.page.Template || i.folder != nil && i.folder.pages > 0 && Dir{folder: i.folder}.Templates()
	})
}

// Visit calls do for each page, in the order of paths, and enter for each folder with some
// before it: one for which that is false is left out.
func (s *Scan) Visit(enter func(Dir) bool, do func(*Page)) { s.root.visit(enter, do) }

func (f *folder) visit(enter func(Dir) bool, do func(*Page)) {
	for _, i := range f.items {
		switch {
		case i.page != nil:
			do(i.page)
		case i.folder != nil && i.folder.pages > 0 && enter(Dir{i.folder.path, f.chart, i.folder}):
			i.folder.visit(enter, do)
		}
	}
}
