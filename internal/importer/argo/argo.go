// Package argo reads the objects of Argo CD as the apps that they mean: an Application is an
// app of its sources, an ApplicationSet makes Applications, an AppProject bounds them. It does
// not render; package importer gives it the objects of what was rendered, level by level, from
// the roots down.
package argo

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// group is the API group of Argo CD.
const group = "argoproj.io"

// Kinds of Argo CD.
const (
	applicationKind = "Application"
	setKind         = "ApplicationSet"
	projectKind     = "AppProject"
	secretType      = "argocd.argoproj.io/secret-type" // label of Secrets with its clusters and repositories
	ConfigName      = "argocd-cm"                      // of the ConfigMap with Argo CD's settings
)

// System is the namespace of objects that name none.
const System = "argocd"

// Is reports whether an object is one that Argo CD reads.
func Is(o *manifest.Object) bool {
	switch o.GetKind() {
	case applicationKind, setKind, projectKind:
		return o.GroupVersionKind().Group == group
	case "ConfigMap":
		return o.GetAPIVersion() == "v1" && o.GetName() == ConfigName
	case manifest.SecretKind.Kind:
		return o.GetAPIVersion() == "v1" && o.GetLabels()[secretType] != ""
	}
	return false
}

// Tree reads the objects of one revision.
type Tree struct {
	world    world
	waiting  []*item
	known    map[meaning.Ref]*item
	named    map[name.App]*item
	projects map[string]*project
	unbound  []unbound
	// namespaces are those with labels of their own, by their clusters and names.
	namespaces map[string]namespaced
	config     config
	budget     *budget
	made       int // apps
	depth      map[name.App]int
	problems   manifest.Problems
	others     []meaning.Note // about objects that make no app
	asides     []*aside       // about those that bound apps
	noted      map[meaning.Note]bool
	told       map[string]bool     // the addresses of which it was said that they are this repository
	listings   map[string]*catalog // by the folder of a repository, see list

	files map[string][]map[string]any // that generators have read
}

// item is an object that is to be read.
type item struct {
	ref    meaning.Ref
	object *manifest.Object
	parent *appfile.App // nil: a root
}

// New makes the tree of a revision.
func New(w meaning.World) *Tree {
	return &Tree{
		world: worldFrom(w), known: map[meaning.Ref]*item{}, named: map[name.App]*item{}, projects: map[string]*project{}, namespaces: map[string]namespaced{},
		depth: map[name.App]int{}, budget: newBudget(), noted: map[meaning.Note]bool{}, told: map[string]bool{}, listings: map[string]*catalog{}, files: map[string][]map[string]any{},
	}
}

// Add takes in an object of Argo CD from what an app renders to; nil is the app of an object
// that is read from a file of the revision.
func (t *Tree) Add(parent *appfile.App, o *manifest.Object) {
	if !Is(o) {
		return
	}
	it := &item{ref: refOf(o), object: o, parent: parent}
	if first := t.known[it.ref]; first != nil {
		if !reflect.DeepEqual(first.object.Object, o.Object) {
			hint := "take one of the two out, or give it another name"
			if parent == nil {
				hint += fmt.Sprintf("; or choose in %s: import: {tool: argo, root: %s}", appfile.Name, o.Source.File)
			}
			message := fmt.Sprintf("%s %s/%s is there twice; the other is at %s", it.ref.Kind, it.ref.Namespace, it.ref.Name, first.object.Source)
			if first.parent != nil && parent != nil && first.object.Source == o.Source {
				message = fmt.Sprintf("%s %s/%s is made by %s and %s, and not alike", it.ref.Kind, it.ref.Namespace, it.ref.Name, first.parent.Name, parent.Name)
			}
			t.refuse(o, message, hint)
		}
		return // a root may include its own object
	}
	t.known[it.ref] = it
	t.waiting = append(t.waiting, it)
}

// Leave notes objects that are no roots; see Start.Left.
func (t *Tree) Leave(objects []*manifest.Object) {
	for _, o := range objects {
		t.others = append(t.others, meaning.Note{Source: o.Source, Object: o.ID().String(), Text: "left out: it has a placeholder for the address of its source, or no destination, so that nobody has applied it as it is"})
	}
}

// refOf names an object.
func refOf(o *manifest.Object) meaning.Ref {
	ref := meaning.Ref{Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
	if ref.Namespace == "" {
		ref.Namespace = System
	}
	return ref
}

func (t *Tree) refuse(o *manifest.Object, message, hint string) {
	t.problems = append(t.problems, manifest.Problem{Source: o.Source, Object: o.ID().String(), Message: message, Hint: hint})
}

// Next returns the apps that have become known since the last call, and the problems since
// then.
func (t *Tree) Next() ([]meaning.App, manifest.Problems) {
	waiting := t.waiting
	t.waiting = nil
	t.each(waiting, "ConfigMap", func(it *item) { t.readConfig(it.object) })
	t.each(waiting, manifest.SecretKind.Kind, func(it *item) {
		t.others = append(t.others, meaning.Note{
			Source: it.object.Source, Object: it.object.ID().String(),
			Text: "has no effect: the server knows its clusters and repositories (clusters/ and repositories.yaml in admin.git)",
		})
	})
	t.each(waiting, projectKind, func(it *item) { t.readProject(it.object) })
	var drafts []*draft
	t.each(waiting, applicationKind, func(it *item) {
		drafts = append(drafts, &draft{by: it, object: it.object, lines: t.world.Place})
	})
	t.each(waiting, setKind, func(it *item) { drafts = append(drafts, t.readSet(it)...) })
	var apps []meaning.App
	for _, d := range drafts {
		if app, ok := t.read(d); ok {
			apps = append(apps, app)
		}
	}
	t.order(apps, drafts)
	problems := t.problems
	t.problems = nil
	return apps, problems
}

func (t *Tree) each(items []*item, kind string, do func(it *item)) {
	for _, it := range items {
		if it.ref.Kind == kind {
			do(it)
		}
	}
}

// draft is an Application that is to be read.
type draft struct {
	by     *item
	object *manifest.Object
	lines  func(o *manifest.Object, path string) manifest.Source // see meaning.Read
	step   int                                                   // of the rollout of its ApplicationSet
	stays  string                                                // why it stays when its ApplicationSet makes it no more; "" if it goes
	app    *meaning.App                                          // once it is read
}

// parentOf names the app whose rendering has an object.
func (d *draft) parentOf() name.App {
	if d.by.parent == nil {
		return ""
	}
	return d.by.parent.Name
}

// read reads an Application. ok is false if it makes no app.
func (t *Tree) read(d *draft) (app meaning.App, ok bool) {
	r := meaning.Read(d.object, d.lines)
	a := &application{tree: t, reader: r, draft: d}
	a.read()
	t.problems = append(t.problems, r.Problems...)
	if len(r.Problems) > 0 || !t.claim(d, a.app.App.Name) {
		return app, false
	}
	a.app.Notes = sortedNotes(r.Notes)
	d.app = &a.app
	return a.app, true
}

// sortedNotes are notes in the order of their lines.
func sortedNotes(notes []meaning.Note) []meaning.Note {
	slices.SortFunc(notes, func(a, b meaning.Note) int {
		return cmp.Or(cmp.Compare(a.Source.File, b.Source.File), cmp.Compare(a.Source.Line, b.Source.Line), cmp.Compare(a.Text, b.Text))
	})
	return notes
}

// claim notes the name of an app. ok is false if another one has it, or there are too many.
func (t *Tree) claim(d *draft, app name.App) (ok bool) {
	if first := t.named[app]; first != nil {
		at := d.object.Source
		if d.lines != nil {
			at = d.lines(d.object, "metadata.name")
		}
		t.problems = append(t.problems, manifest.Problem{
			Source: at, Object: d.object.ID().String(),
			Message: fmt.Sprintf("the name %s is taken by %s %s/%s at %s", app, first.ref.Kind, first.ref.Namespace, first.ref.Name, first.object.Source),
			Hint:    "give one of the two another name",
		})
		return false
	}
	t.named[app] = d.by
	t.depth[app] = t.depth[d.parentOf()] + 1
	if t.depth[app] > meaning.MaxDepth {
		t.refuse(d.object, fmt.Sprintf("the app is %d apps deep", meaning.MaxDepth), "an app must not make itself")
		return false
	}
	if t.made++; t.made == meaning.MaxApps+1 {
		t.refuse(d.object, fmt.Sprintf("there are more than %d apps", meaning.MaxApps), "split the repository")
	}
	return t.made <= meaning.MaxApps
}

// order makes an app wait for those of the wave before, or of the step before in the rollout
// of its ApplicationSet.
func (t *Tree) order(apps []meaning.App, drafts []*draft) {
	waves := map[name.App]map[int][]meaning.Ref{}
	steps := map[*item]map[int][]meaning.Ref{}
	at := func(d *draft) meaning.Ref {
		return d.app.By
	}
	for _, d := range drafts {
		if d.app == nil {
			continue
		}
		parent, wave := d.parentOf(), waveOf(d.object)
		if waves[parent] == nil {
			waves[parent] = map[int][]meaning.Ref{}
		}
		if d.by.parent != nil && d.by.ref.Kind == applicationKind {
			waves[parent][wave] = append(waves[parent][wave], at(d))
		}
		if d.step > 0 {
			if steps[d.by] == nil {
				steps[d.by] = map[int][]meaning.Ref{}
			}
			steps[d.by][d.step] = append(steps[d.by][d.step], at(d))
		}
	}
	i := 0
	for _, d := range drafts {
		if d.app == nil {
			continue
		}
		if d.by.ref.Kind == applicationKind {
			apps[i].After = slices.Clip(before(waves[d.parentOf()], waveOf(d.object)))
		}
		if more := before(steps[d.by], d.step); len(apps[i].After) == 0 {
			apps[i].After = slices.Clip(more) // many wait for the same
		} else {
			apps[i].After = append(apps[i].After, more...)
		}
		i++
	}
}

// before are those of the nearest number below one, of a list that an app can depend on.
func before(by map[int][]meaning.Ref, number int) []meaning.Ref {
	nearest, found := 0, false
	for n := range by {
		if n < number && (!found || n > nearest) {
			nearest, found = n, true
		}
	}
	if !found {
		return nil
	}
	if refs := by[nearest]; len(refs) <= appfile.MaxList {
		return refs
	}
	return by[nearest][:appfile.MaxList]
}

// waveOf is the wave of an Application among those of its parent; what is no number was
// refused where annotations are read.
func waveOf(o *manifest.Object) int {
	wave, err := strconv.Atoi(strings.TrimSpace(o.GetAnnotations()[waveKey]))
	if err != nil {
		return 0
	}
	return wave
}
