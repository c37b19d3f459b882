package argo

import (
	"slices"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// aside is what is said of an object that bounds apps.
type aside struct {
	notes []meaning.Note
	apps  []meaning.Ref // without their places
}

// add notes that an app is one of them.
func (a *aside) add(app meaning.Ref) {
	app.Source = manifest.Source{}
	a.apps = append(a.apps, app)
}

// Notes are those on objects that make no app, without those on what bounds apps, of which none is among
// some; nil: among all. What bounds no app is said in any case.
func (t *Tree) Notes(among func(meaning.Ref) bool) []meaning.Note {
	notes := slices.Clone(t.others)
	for _, a := range t.asides {
		if among == nil || len(a.apps) == 0 || slices.ContainsFunc(a.apps, among) {
			notes = append(notes, a.notes...)
		}
	}
	return sortedNotes(notes)
}
