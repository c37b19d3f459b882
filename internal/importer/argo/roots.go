package argo

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// maxRoots bounds the files with objects of Argo CD that are read.
const maxRoots = 2000

var (
	mentions = []byte(group + "/")
	appLine  = regexp.MustCompile(`(?m)^kind:\s*["']?Application(Set)?["']?\s*$`)
	kindLine = regexp.MustCompile(`(?m)^kind:\s*["']?(Application|ApplicationSet|AppProject)["']?\s*$`)
)

// Start is where the tree of a revision begins: at objects in files of their own, and at
// folders whose kustomizations make others.
type Start struct {
	Objects []*manifest.Object
	Folders []string
	// Charts are folders of charts whose templates make Applications: somebody has installed
	// one of them if there is nothing else to begin at.
	Charts []string
}

// Chart is the chart to begin at, if there is nothing else to: the only one, or the only one that
// is called like a cluster. It is "" if there are no charts, and with a problem if one has to be
// chosen.
func (s Start) Chart(w meaning.World) (folder string, problem *manifest.Problem) {
	if len(s.Folders) > 0 || slices.ContainsFunc(s.Objects, func(o *manifest.Object) bool { return o.GetKind() != projectKind }) {
		return "", nil
	}
	charts := s.Charts
	if clusters := (&roots{world: world{w}}).ofClusters(charts); len(charts) > 1 && len(clusters) > 0 {
		charts = clusters
	}
	switch len(charts) {
	case 0:
		return "", nil
	case 1:
		return charts[0], nil
	}
	return "", &manifest.Problem{
		Source:  manifest.Source{File: path.Join(charts[0], chartFile)},
		Message: "several charts make Applications, and not one of them is called like a cluster: " + meaning.Several(charts),
		Hint:    fmt.Sprintf("choose one in %s: import: {tool: argo, root: %s}", appfile.Name, charts[0]),
	}
}

// chartFile is in the folder of each chart, beside the folder with its templates.
const (
	chartFile = "Chart.yaml"
	templates = "templates"
)

// Roots finds the start: the objects of Argo CD in files of the revision that the source of no
// other Application covers, as somebody has applied them by hand. Where a kustomization is
// built from such a file, its folder is what was applied. Where several are, those count that
// are called like a cluster.
func Roots(w meaning.World) (Start, manifest.Problems) {
	found := &roots{world: world{w}}
	err := found.world.walk(".", found.visit)
	if err != nil {
		found.problems = append(found.problems, manifest.Problem{Message: "look for objects of Argo CD: " + err.Error(), Hint: "add a " + appfile.Name})
	}
	found.objects = slices.DeleteFunc(found.objects, func(o *manifest.Object) bool { return found.layout.IsPatch(o.Source.File) })
	found.problems = slices.DeleteFunc(found.problems, func(p manifest.Problem) bool { return found.layout.IsPatch(p.Source.File) })
	start := found.start()
	start.Charts = found.charts
	return start, found.problems
}

// Written are the objects of a file that somebody names as the root.
func Written(tree fs.FS, name string) ([]*manifest.Object, manifest.Problems) {
	text, err := fs.ReadFile(tree, name)
	if err != nil || len(text) > manifest.MaxFileBytes {
		return nil, manifest.Problems{{Source: manifest.Source{File: name}, Message: "the file cannot be read, or is too large", Hint: "name a file of Applications, or their folder"}}
	}
	objects, problems := manifest.Parse(name, text)
	objects = slices.DeleteFunc(objects, func(o *manifest.Object) bool { return !Is(o) })
	if len(objects) == 0 && len(problems) == 0 {
		problems = manifest.Problems{{Source: manifest.Source{File: name}, Message: "there is no object of Argo CD in the file", Hint: "name a file of Applications, or their folder"}}
	}
	return objects, problems
}

// start parts the objects that nothing covers by what was applied.
func (r *roots) start() Start {
	var start Start
	var first *manifest.Object
	choice := map[string]bool{}
	for _, o := range r.uncovered() {
		tops := r.layout.Tops(r.world.Tree, o.Source.File)
		if clusters := r.ofClusters(tops); len(tops) > 1 && len(clusters) > 0 {
			tops = clusters
		}
		switch len(tops) {
		case 0:
			start.Objects = append(start.Objects, o)
		case 1:
			if !slices.Contains(start.Folders, tops[0]) {
				start.Folders = append(start.Folders, tops[0])
			}
		default:
			for _, top := range tops {
				choice[top] = true
			}
			if first == nil {
				first = o
			}
		}
	}
	if first != nil {
		names := slices.Sorted(maps.Keys(choice))
		r.problems = append(r.problems, manifest.Problem{
			Source: first.Source, Object: first.ID().String(),
			Message: "several kustomizations make the object, and none is called like a cluster: " + meaning.Several(names),
			Hint:    fmt.Sprintf("choose one in %s: import: {tool: argo, root: %s}", appfile.Name, names[0]),
		})
	}
	return start
}

// ofClusters are the folders that are called like clusters.
func (r *roots) ofClusters(folders []string) []string {
	return slices.DeleteFunc(slices.Clone(folders), func(folder string) bool {
		_, known := r.world.Clusters[path.Base(folder)]
		return !known
	})
}

// roots is a search for objects.
type roots struct {
	world    world
	objects  []*manifest.Object
	problems manifest.Problems
	layout   meaning.Layout
	charts   []string
}

// visit looks at a file or folder.
func (r *roots) visit(name string, entry fs.DirEntry) bool {
	base, ext := path.Base(name), path.Ext(name)
	switch {
	case entry.IsDir():
		if base != templates || !r.world.isFile(path.Join(path.Dir(name), chartFile)) {
			return true
		}
		if r.makesApps(name) {
			r.charts = append(r.charts, path.Dir(name))
		}
		return false
	case slices.Contains(meaning.Kustomizations(), base):
		r.layout.Note(r.world.Tree, name)
	case ext == ".yaml" || ext == ".yml" || ext == ".json":
		r.file(name)
	}
	return true
}

// file takes the objects of a file that is for Argo CD.
func (r *roots) file(name string) {
	text, err := fs.ReadFile(r.world.Tree, name)
	if err != nil || len(text) > manifest.MaxFileBytes || !bytes.Contains(text, mentions) && !bytes.Contains(text, []byte(configName)) {
		return
	}
	objects, problems := manifest.Parse(name, text)
	if len(problems) > 0 {
		if kindLine.Match(text) && !bytes.Contains(text, []byte("{{")) {
			r.problems = append(r.problems, problems...)
		}
		return
	}
	for _, o := range objects {
		if Is(o) {
			r.objects = append(r.objects, o)
		}
	}
	if len(r.objects) > maxRoots {
		r.objects = nil
		r.problems = append(r.problems, manifest.Problem{Message: fmt.Sprintf("more than %d objects of Argo CD stand in files", maxRoots), Hint: "add a " + appfile.Name})
	}
}

// makesApps reports whether templates in a folder are of Applications.
func (r *roots) makesApps(folder string) (made bool) {
	_ = r.world.walk(folder, func(name string, entry fs.DirEntry) bool { // the app's rendering says what is wrong
		if ext := path.Ext(name); !made && !entry.IsDir() && (ext == ".yaml" || ext == ".yml") {
			text, err := fs.ReadFile(r.world.Tree, name)
			made = err == nil && len(text) <= manifest.MaxFileBytes && IsTemplate(text)
		}
		return !made
	})
	return made
}

// IsTemplate reports whether a text is a template of an Application, or of a set of them.
func IsTemplate(text []byte) bool {
	return bytes.Contains(text, mentions) && bytes.Contains(text, []byte("{{")) && appLine.Match(text)
}

// uncovered are the objects that no app of another one has among its sources. Of objects that
// cover each other in a ring, the first is one.
func (r *roots) uncovered() []*manifest.Object {
	covers := make([][]int, len(r.objects))
	for i, o := range r.objects {
		covers[i] = r.covered(o)
	}
	reached := make([]int, len(r.objects)) // by which root, from 1
	var reach func(i, from int)
	reach = func(i, from int) {
		for _, j := range covers[i] {
			if reached[j] == 0 && j != from-1 {
				reached[j] = from
				reach(j, from)
			}
		}
	}
	isRoot := make([]bool, len(r.objects))
	inside := map[int]bool{}
	for i := range covers {
		for _, j := range covers[i] {
			inside[j] = inside[j] || i != j
		}
	}
	for pass := range 2 { // first those that nothing covers, then one of each ring
		for i := range r.objects {
			if reached[i] == 0 && !isRoot[i] && (pass == 1 || !inside[i]) {
				isRoot[i] = true
				reach(i, i+1)
			}
		}
	}
	var all []*manifest.Object
	for i, o := range r.objects {
		if isRoot[i] {
			all = append(all, o)
		}
	}
	return all
}

// covered are the objects in files that the apps of an object read.
func (r *roots) covered(o *manifest.Object) []int {
	if kind := o.GetKind(); kind != applicationKind && kind != setKind {
		return nil
	}
	scratch := New(r.world.World)
	scratch.Add(nil, o)
	apps, _ := scratch.Next()
	var all []int
	for i, other := range r.objects {
		if slices.ContainsFunc(apps, func(app meaning.App) bool { return r.has(app.App, other.Source.File) }) {
			all = append(all, i)
		}
	}
	return all
}

// has reports whether an app is rendered from a file.
func (r *roots) has(app appfile.App, file string) bool {
	if app.Helm.Chart == "" && r.reads(app, file) {
		return true
	}
	return slices.ContainsFunc(app.Sources, func(other appfile.Addition) bool {
		return other.Helm.Chart == "" && r.reads(app.With(other), file)
	})
}

// reads reports whether an app's folder is rendered from a file.
func (r *roots) reads(app appfile.App, file string) bool {
	if app.Render != appfile.RenderPlain && r.layout.Builds(app.Path) {
		none := func(string, string) bool { return false } // kustomize takes no folder without a kustomization
		return r.layout.Reads(app.Path, file, none)
	}
	if app.Render != appfile.RenderPlain || !meaning.Inside(file, app.Path) {
		return app.Render == appfile.RenderHelm && meaning.Inside(file, app.Path)
	}
	inside := strings.TrimPrefix(file, app.Path+"/")
	fits := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return like(p, inside) })
	}
	return (!app.Files.Flat || !strings.Contains(inside, "/")) && (len(app.Files.Include) == 0 || fits(app.Files.Include)) && !fits(app.Files.Exclude)
}
