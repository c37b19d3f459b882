// Package importer reads a revision whose apps are objects of Flux or Argo CD: which objects
// are its roots, and which apps come of what they render to, level by level. Packages flux and
// argo know the objects, package meaning what they have in common.
package importer

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/argo"
	"github.com/pushboat/pushboat/internal/importer/flux"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Split parts the objects of an app into those that are applied, and those that are read as
// apps or belong to the tool whose apps they are.
func Split(objects []*manifest.Object) (applied, meant []*manifest.Object) {
	for _, o := range objects {
		if flux.Is(o) || argo.Is(o) {
			meant = append(meant, o)
		} else {
			applied = append(applied, o)
		}
	}
	return applied, meant
}

// Tree grows the apps of a revision. Its methods are not safe for concurrent use.
type Tree struct {
	world meaning.World
	flux  map[string]*flux.Tree // by stem
	argo  *argo.Tree

	apps  map[name.App]*meaning.App
	of    map[rooted]name.App
	stem  map[name.App]string // of an app of Flux
	depth map[name.App]int
	order []name.App
	over  bool                  // there are more apps than are read
	given map[name.App]name.App // roots that are another app, too; see GivenTo
	left  map[name.App]remains

	finder *Finder
	files  *files
	made   map[rooted]making  // by objects
	bound  *manifest.Problems // of bind, once it is called
}

// making is an object that means an app, or several, and the app that makes it.
type making struct {
	by     *appfile.App
	object *manifest.Object
}

// rooted names an object below one of the roots, whose place is left out. Each cluster of a
// repository of Flux has a tree of its own, whose objects may be called as those of another:
// the stem is the cluster, or "" where roots are for none.
type rooted struct {
	stem string
	meaning.Ref
}

// ReadFile reads which apps a revision names. Where they are objects of other tools, it
// returns their roots, and the tree that grows the others while they are rendered.
func ReadFile(tree fs.FS, at appfile.Place, finder *Finder) (appfile.File, *Tree, manifest.Problems) {
	file, problems := appfile.Read(tree, at)
	if len(problems) > 0 || !finder.Uses(tree, file.Import) {
		return file, nil, problems
	}
	file.Apps = nil
	if file.Import.Tool == "" {
		file.Import.Root = at.Folder
	}
	if at.Branch != "" && at.Branch != at.Main {
		return file, nil, nil
	}
	grown, problems := finder.begin(meaning.World{Repo: at.Repo, Branch: at.Main, Tree: tree, Clusters: at.Clusters, Servers: at.Servers, Addresses: at.Addresses}, file.Import)
	if len(problems) > 0 {
		return file, nil, problems
	}
	file.Imported = true
	file.Apps, problems = grown.Roots()
	return file, grown, problems
}

// begin begins the tree of a revision with its roots, of a repository whose last one the finder may
// know.
func (f *Finder) begin(world meaning.World, settings appfile.Import) (*Tree, manifest.Problems) {
	world.Self, world.Shelf = settings.Self, &f.shelf
	files := newFiles(world.Tree, scanner.Scan(world))
	world.Place, world.Foreign = files.place, files.scan.Foreign
	t := &Tree{
		world: world, flux: map[string]*flux.Tree{}, argo: argo.New(world),
		apps: map[name.App]*meaning.App{}, of: map[rooted]name.App{}, stem: map[name.App]string{}, depth: map[name.App]int{}, left: map[name.App]remains{}, given: map[name.App]name.App{},
		finder: f, files: files, made: map[rooted]making{},
	}
	var roots int
	var problems manifest.Problems
	if settings.Tool != appfile.ToolArgo {
		roots, problems = t.fluxRoots(settings)
	}
	if settings.Tool != appfile.ToolFlux && (settings.Root == "" || roots == 0) {
		found, wrong := t.argoRoots(settings, roots == 0 && len(problems) == 0)
		roots, problems = roots+found, append(problems, wrong...)
	}
	if roots == 0 && len(problems) == 0 {
		if _, problem := t.add("", meaning.App{App: t.built(".")}); problem != nil {
			problems = append(problems, *problem)
		}
	}
	return t, problems
}

// fluxRoots takes in the roots of Flux, and counts them.
func (t *Tree) fluxRoots(settings appfile.Import) (int, manifest.Problems) {
	layout := &meaning.Layout{}
	objects, problems := written(t.files.scan, layout)
	if len(problems) > 0 {
		return 0, problems
	}
	var start flux.Start
	if settings.Root != "" {
		info, err := fs.Stat(t.world.Tree, settings.Root)
		switch there := err == nil && info.IsDir(); {
		case !there && settings.Tool != appfile.ToolFlux:
			return 0, nil // see argoRoots
		case !there:
			return 0, manifest.Problems{{
				Source: settings.Source, Message: fmt.Sprintf("there is no folder %s, which is named as the root", settings.Root), Hint: "name the folder that flux bootstrap had as its path",
			}}
		}
		part := flux.Chosen(settings.Root, objects)
		if len(part.Objects) == 0 && settings.Tool != appfile.ToolFlux {
			return 0, nil // it is what Argo CD would build
		}
		start.Parts = []flux.Part{part}
	} else if start, problems = flux.Roots(t.world, layout, objects); len(problems) > 0 {
		return 0, problems
	}
	t.fluxOn("").Leave(start.Left)
	t.fluxOn("").Take(start.Taken)
	roots := 0
	for _, part := range start.Parts {
		if folder := part.Folder; folder != "" && (settings.Root != "" || layout.Builds(folder) || t.finder.onlyObjects(t.world.Tree, folder)) {
			stem := flux.ClusterFolder(t.world, path.Join(folder, "x"))
			t.fluxOn(stem).Assume(part.Objects, objects)
			if _, problem := t.add(stem, meaning.App{App: t.built(folder)}); problem != nil {
				problems = append(problems, *problem)
			}
			roots++
			continue
		}
		for _, o := range part.Objects {
			on := t.fluxOn(flux.ClusterFolder(t.world, o.Source.File))
			on.Assume([]*manifest.Object{o}, objects)
			on.Add(nil, o)
		}
		roots += len(part.Objects)
	}
	return roots, problems
}

// argoRoots takes in the roots of Argo CD, and counts them. Where they are alone and there is
// nothing else, a chart that makes Applications is one.
func (t *Tree) argoRoots(settings appfile.Import, alone bool) (int, manifest.Problems) {
	var start argo.Start
	var problems manifest.Problems
	info, err := fs.Stat(t.world.Tree, cmp.Or(settings.Root, "."))
	switch {
	case settings.Root == "":
		start, problems = argo.Roots(t.world, t.files.scan)
	case err != nil:
		return 0, manifest.Problems{{Source: settings.Source, Message: "there is no file or folder " + settings.Root + ", which is named as the root", Hint: "name what was applied by hand for Argo CD"}}
	case info.IsDir():
		start.Folders = []string{settings.Root}
	default:
		start.Objects, problems = argo.Written(t.world.Tree, settings.Root)
	}
	if alone && len(problems) == 0 {
		chart, problem := start.Chart(t.world)
		if problem != nil {
			return 0, manifest.Problems{*problem}
		}
		if chart != "" {
			start.Folders = []string{chart}
		}
	}
	for _, folder := range start.Folders {
		if _, problem := t.add("", meaning.App{App: t.root(folder)}); problem != nil {
			problems = append(problems, *problem)
		}
	}
	for _, o := range start.Objects {
		t.argo.Add(nil, o)
	}
	t.argo.Leave(start.Left)
	return len(start.Folders) + len(start.Objects), problems
}

// fluxOn is the tree of Flux with a stem.
func (t *Tree) fluxOn(stem string) *flux.Tree {
	if t.flux[stem] == nil {
		t.flux[stem] = flux.New(t.world)
	}
	return t.flux[stem]
}

// built is the app of a folder that Flux would build, as the root of the tree.
func (t *Tree) built(folder string) appfile.App {
	app := t.root(folder)
	app.Render, app.Kustomize.Generate = appfile.RenderKustomize, true
	app.Cluster = cmp.Or(flux.ClusterFolder(t.world, path.Join(folder, "x")), app.Cluster)
	return app
}

// root is the app of a folder as the root of the tree.
func (t *Tree) root(folder string) appfile.App {
	app := appfile.Default()
	app.Name, app.Branch, app.Path, app.Imported = t.rootName(), t.world.Branch, folder, meaning.Root
	return app
}

// rootName is the name of the app at the root of the tree: that of the repository.
func (t *Tree) rootName() name.App { return meaning.NameOf(string(appfile.NameFrom(t.world.Repo))) }

// Roots are the first apps.
func (t *Tree) Roots() ([]appfile.App, manifest.Problems) {
	var apps []appfile.App
	for _, app := range t.order {
		apps = append(apps, t.apps[app].App)
	}
	next, problems := t.Next()
	return append(apps, next...), problems
}

// Add takes in what an app has been rendered to. What the app may not have is a problem.
func (t *Tree) Add(app appfile.App, applied, meant []*manifest.Object) manifest.Problems {
	on := t.fluxOn(t.stem[app.Name])
	t.left[app.Name] = remainsOf(applied, meant)
	for _, o := range applied {
		if kind := o.GetKind(); kind == "ConfigMap" || kind == manifest.SecretKind.Kind {
			if o.GetNamespace() == "" {
				o = o.Copy()
				o.SetNamespace(app.Namespace)
			}
			on.Note(app.Name, o)
		}
	}
	for _, o := range meant {
		if argo.Is(o) {
			t.argo.Add(&app, o)
		} else {
			on.Add(&app, o)
		}
		if isApp(o) {
			t.made[rooted{t.stem[app.Name], refOf(o)}] = making{&app, o}
		}
	}
	if made := t.apps[app.Name]; made != nil {
		return t.argo.Check(*made, applied)
	}
	return nil
}

// Next are the apps that have become known.
func (t *Tree) Next() ([]appfile.App, manifest.Problems) {
	var specs []appfile.App
	var problems manifest.Problems
	take := func(stem string, found []meaning.App, wrong manifest.Problems) {
		problems = append(problems, wrong...)
		for _, app := range found {
			spec, problem := t.add(stem, app)
			switch {
			case problem != nil:
				problems = append(problems, *problem)
			case spec != nil:
				specs = append(specs, *spec)
			}
		}
	}
	for _, stem := range slices.Sorted(maps.Keys(t.flux)) {
		found, wrong := t.flux[stem].Next()
		take(stem, found, wrong)
	}
	found, wrong := t.argo.Next()
	take("", found, wrong)
	return specs, problems
}

// add gives an app its name, and enters it.
func (t *Tree) add(stem string, app meaning.App) (*appfile.App, *manifest.Problem) {
	problem := func(message, hint string) *manifest.Problem {
		return &manifest.Problem{Source: app.By.Source, Message: message, Hint: hint}
	}
	if len(t.apps) >= meaning.MaxApps {
		if t.over {
			return nil, nil
		}
		t.over = true
		return nil, problem(fmt.Sprintf("there are more than %d apps", meaning.MaxApps), "split the repository")
	}
	if t.depth[app.Parent] >= meaning.MaxDepth {
		return nil, problem(fmt.Sprintf("%s %s is %d apps deep", app.By.Kind, app.By.Name, meaning.MaxDepth), "an app must not make itself")
	}
	ref := rooted{stem, app.By}
	ref.Source = manifest.Source{}
	if first, known := t.of[ref]; known && app.By.Kind != "" {
		if t.above(first, app.Parent) {
			return nil, nil // an app of apps includes its own object
		}
		return nil, problem(fmt.Sprintf("%s %s/%s is there twice; the other is at %s", ref.Kind, ref.Namespace, ref.Name, t.apps[first].By.Source), "take one of the two out")
	}
	app.App.Name = t.nameOf(stem, app)
	if cluster := t.clusterOf(app); cluster != "" && app.App.Cluster == appfile.DefaultCluster {
		app.App.Cluster = cluster
	}
	app.App.Suspended = app.Suspended
	if app.By.Kind != "" {
		app.App.Imported = app.By.Kind
	}
	t.depth[app.App.Name] = t.depth[app.Parent] + 1
	t.apps[app.App.Name] = &app
	t.of[ref], t.stem[app.App.Name] = app.App.Name, stem
	t.order = append(t.order, app.App.Name)
	t.giveRoot(app)
	return &app.App, nil
}

// giveRoot notes that an app is the folder at which the tree begins: somebody applies that by
// hand once, and the app, with settings of its own, from then on. So Argo CD is made to deploy
// itself.
func (t *Tree) giveRoot(app meaning.App) {
	for parent := app.Parent; parent != ""; parent = t.apps[parent].Parent {
		root := t.apps[parent]
		if root.By.Kind == "" && root.App.Path == app.App.Path && root.App.Cluster == app.App.Cluster && app.App.Helm.Chart == "" && app.App.Artifact.IsZero() && t.given[parent] == "" {
			t.given[parent] = app.App.Name
		}
	}
}

// GivenTo is the app that deploys what a root is rendered to, which is no app of its own then;
// "" for all others. It is known when the tree has grown.
func (t *Tree) GivenTo(root name.App) name.App { return t.given[root] }

// above reports whether an app is another one, or makes it.
func (t *Tree) above(app, other name.App) bool {
	for ; other != ""; other = t.apps[other].Parent {
		if other == app {
			return true
		}
	}
	return false
}

func (t *Tree) clusterOf(app meaning.App) string {
	switch {
	case app.Parent != "":
		return ""
	case app.By.Kind == "Kustomization":
		return cmp.Or(flux.ClusterFolder(t.world, app.By.Source.File), t.world.Home())
	}
	return t.world.Home()
}

// nameOf names an app as its object, with its stem, and with what makes it another name than
// those before it: the kind, or the namespace. The root that flux bootstrap made is named after
// the repository.
func (t *Tree) nameOf(stem string, app meaning.App) name.App {
	candidates := []string{app.By.Name}
	if app.Parent == "" && (app.By.Name == flux.System || app.By.Kind == "") {
		candidates = []string{string(t.rootName()), string(t.rootName()) + "-" + cmp.Or(app.By.Name, path.Base(app.App.Path))}
	}
	if app.By.Kind == "HelmRelease" {
		candidates = append(candidates, app.By.Name+"-release")
	}
	candidates = append(candidates, app.By.Namespace+"-"+app.By.Name, app.By.Namespace+"-"+app.By.Name+"-release")
	for _, candidate := range candidates {
		if stem != "" {
			candidate += "-" + stem
		}
		made := meaning.NameOf(candidate)
		if _, taken := t.apps[made]; !taken {
			return made
		}
	}
	return meaning.NameOf(app.By.Kind + "-" + meaning.HashOf(stem+"/"+app.By.Kind+"/"+app.By.Namespace+"/"+app.By.Name))
}

// HasSet reports whether an ApplicationSet, NAMESPACE/NAME, is in the tree.
func (t *Tree) HasSet(set string) bool { return t.argo.HasSet(set) }

// Notes are those on fields without effect of the objects that mean some apps, and of all that
// mean none.
func (t *Tree) Notes(of func(name.App) bool) []meaning.Note {
	var notes []meaning.Note
	for _, app := range t.order {
		if of(app) {
			notes = append(notes, t.apps[app].Notes...)
		}
	}
	return append(notes, t.asides(of)...)
}

// Of is the app of that name; nil if there is none.
func (t *Tree) Of(app name.App) *meaning.App { return t.apps[app] }
