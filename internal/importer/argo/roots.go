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
	// Left are objects that nobody has applied as they are: somebody fills them in before.
	Left []*manifest.Object
}

// Chart is the chart to begin at, if there is nothing else to: the only one, or the only one that
// is called like a cluster. It is "" if there are no charts, and with a problem if one has to be
// chosen.
func (s Start) Chart(w meaning.World) (folder string, problem *manifest.Problem) {
	if len(s.Folders) > 0 || slices.ContainsFunc(s.Objects, func(o *manifest.Object) bool { return o.GetKind() != projectKind }) {
		return "", nil
	}
	charts := s.Charts
	if clusters := (&roots{world: worldFrom(w)}).ofClusters(charts); len(charts) > 1 && len(clusters) > 0 {
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
func Roots(w meaning.World, scan *meaning.Scan) (Start, manifest.Problems) {
	found := &roots{world: worldFrom(w)}
	if scan.Over {
		found.fail(scan.Err)
	}
	scan.Visit(found.enter, found.page)
	found.objects = slices.DeleteFunc(found.objects, func(o *manifest.Object) bool { return found.layout.IsPatch(o.Source.File) })
	found.problems = slices.DeleteFunc(found.problems, func(p manifest.Problem) bool { return found.layout.IsPatch(p.Source.File) })
	if len(found.objects) > meaning.MaxApps {
		found.objects = nil
		found.fail(fmt.Errorf("more than %d stand in files", meaning.MaxApps))
	}
	start := found.start()
	start.Charts = found.inflated()
	return start, found.problems
}

// fail notes that the search cannot be done.
func (r *roots) fail(err error) {
	r.problems = append(r.problems, manifest.Problem{Message: "look for objects of Argo CD: " + err.Error(), Hint: "add a " + appfile.Name})
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
	applied, left := r.applied(r.uncovered())
	start.Left = left
	for _, o := range applied {
		tops, err := r.layout.Tops(r.world.Tree, o.Source.File)
		if err != nil {
			r.fail(err)
			return Start{}
		}
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

// inflated are the folders of the charts that make Applications; of one that kustomizations inflate
// with values of theirs, those of the kustomizations.
func (r *roots) inflated() []string {
	var folders []string
	for _, chart := range r.charts {
		tops, err := r.layout.Tops(r.world.Tree, chart)
		if err != nil {
			r.fail(err)
			return nil
		}
		if len(tops) == 0 {
			tops = []string{chart}
		}
		for _, top := range tops {
			if !slices.Contains(folders, top) {
				folders = append(folders, top)
			}
		}
	}
	return folders
}

// applied are the objects that somebody may have applied as they are, and those that are left. Of
// several that have one name, those count that are in folders called like clusters. One with a
// placeholder for the address of its repository is a template of something else, such as a
// scaffolder, and one without a destination an example, unless there is nothing beside it.
func (r *roots) applied(objects []*manifest.Object) (applied, left []*manifest.Object) {
	inCluster := map[meaning.Ref]bool{}
	for _, o := range objects {
		inCluster[refOf(o)] = inCluster[refOf(o)] || r.isOfCluster(o)
	}
	for _, o := range objects {
		switch {
		case inCluster[refOf(o)] && !r.isOfCluster(o):
		case hasPlaceholder(o) || isFragment(o):
			left = append(left, o)
		default:
			applied = append(applied, o)
		}
	}
	if len(r.charts) == 0 && !slices.ContainsFunc(applied, func(o *manifest.Object) bool { return o.GetKind() != projectKind }) {
		return append(applied, left...), nil
	}
	return applied, left
}

// isOfCluster reports whether an object's file is in a folder that is called like a cluster.
func (r *roots) isOfCluster(o *manifest.Object) bool {
	return len(r.ofClusters(strings.Split(path.Dir(o.Source.File), "/"))) > 0
}

// isFragment reports whether an object is an Application without a destination, which Argo CD's own
// definition of the kind does not let anybody make.
func isFragment(o *manifest.Object) bool {
	destination, _ := o.ValueAt("spec.destination")
	return o.GetKind() == applicationKind && destination == nil
}

// hasPlaceholder reports whether the address of a source stands for one, as a word does that a
// kustomization is to replace. Those of sets have the parameters of their generators.
func hasPlaceholder(o *manifest.Object) bool {
	field, marks := "spec", "{}<>$"
	switch o.GetKind() {
	case applicationKind:
	case setKind:
		field, marks = "spec.template.spec", "$"
	default:
		return false
	}
	value, _ := o.ValueAt(field)
	spec, _ := value.(map[string]any)
	sources, _ := spec["sources"].([]any)
	return slices.ContainsFunc(append(slices.Clip(sources), spec["source"]), func(source any) bool {
		fields, _ := source.(map[string]any)
		address, _ := fields["repoURL"].(string)
		return strings.ContainsAny(address, marks) || address != "" && !strings.ContainsAny(address, "/:.{")
	})
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

// enter looks at a folder. Of charts, it is known only whether their templates make Applications.
func (r *roots) enter(folder meaning.Dir) bool {
	if path.Base(folder.Path) != templates || !folder.OfChart {
		return true
	}
	if folder.Templates() {
		r.charts = append(r.charts, path.Dir(folder.Path))
	}
	return false
}

// page takes what a file has for Argo CD.
func (r *roots) page(p *meaning.Page) {
	r.layout.Note(p)
	switch path.Ext(p.File) {
	case ".yaml", ".yml", ".json":
	default:
		return
	}
	if p.Broken {
		r.problems = append(r.problems, p.Wrong...)
		return
	}
	for _, o := range p.Objects {
		if Is(o) {
			r.objects = append(r.objects, o)
		}
	}
}

// Tells reports whether the problems of a file are told: it is one of Argo CD's, and no template.
func Tells(text []byte) bool {
	return kindLine.Match(text) && bytes.Contains(text, mentions) && !bytes.Contains(text, []byte("{{"))
}

// IsTemplate reports whether a text is a template of an Application, or of a set of them.
func IsTemplate(text []byte) bool {
	return bytes.Contains(text, mentions) && bytes.Contains(text, []byte("{{")) && appLine.Match(text)
}
