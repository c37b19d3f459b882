package importer

import (
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// asides are notes on objects that mean no app. Those on what bounds apps are left out unless it
// bounds one of some, or none at all.
func (t *Tree) asides(of func(name.App) bool) []meaning.Note {
	var notes []meaning.Note
	for _, stem := range slices.Sorted(maps.Keys(t.flux)) {
		notes = append(notes, t.flux[stem].Notes()...)
	}
	return append(notes, t.argo.Notes(func(ref meaning.Ref) bool {
		app, known := t.of[rooted{"", ref}]
		return known && of(app)
	})...)
}

// bind holds apps to AppProjects that were not known when they were read.
func (t *Tree) bind() manifest.Problems {
	if t.bound != nil {
		return *t.bound
	}
	t.bound = &manifest.Problems{}
	for _, late := range t.argo.Bind(t.projectsInFiles) {
		late.By.Source = manifest.Source{}
		app, known := t.of[rooted{"", late.By}]
		if !known {
			continue
		}
		for _, problem := range late.Problems {
			problem.App = app
			*t.bound = append(*t.bound, problem)
		}
		t.apps[app].Notes = append(t.apps[app].Notes, late.Notes...)
	}
	return *t.bound
}

// projectsInFiles are the places of the AppProjects in files, by their names.
func (t *Tree) projectsInFiles() map[string]manifest.Source {
	found := map[string]manifest.Source{}
	t.files.scan.Visit(func(meaning.Dir) bool { return true }, func(p *meaning.Page) {
		for _, o := range p.Objects {
			if o.GetKind() == "AppProject" {
				found[o.GetName()] = o.Source
			}
		}
	})
	return found
}
