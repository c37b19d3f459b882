package importer

import (
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/importer/meaning"
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
