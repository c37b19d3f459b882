package argo

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// unbound is an app whose AppProject was not known when its Application was read.
type unbound struct {
	*application
	spec    *meaning.Map
	project string
}

// defaultProject is the AppProject that Argo CD always has.
const defaultProject = "default"

// Late is what is said of an app when all objects are known.
type Late struct {
	By       meaning.Ref // its object
	Problems manifest.Problems
	Notes    []meaning.Note
}

// Bind says what becomes of the apps whose AppProjects were not known when they were read. elsewhere
// are the AppProjects in files of the revision, of which no app makes some.
func (t *Tree) Bind(elsewhere func() map[string]manifest.Source) []Late {
	var all []Late
	var files map[string]manifest.Source
	near := map[string]string{}
	told := map[manifest.Source]bool{} // many apps of a set are of one line
	for _, u := range t.unbound {
		problems, notes := len(u.reader.Problems), len(u.reader.Notes)
		if files == nil {
			files = elsewhere()
		}
		at, inFile := files[u.project]
		if _, known := near[u.project]; !known {
			near[u.project] = manifest.Closest(u.project, append(slices.Collect(maps.Keys(t.projects)), defaultProject))
		}
		switch p := t.projects[u.project]; {
		case p != nil:
			u.holdTo(p, u.project, u.spec)
			u.note("spec.project", fmt.Sprintf("the AppProject %s is known only after the app: the kinds of its objects and its syncWindows are not held to it", u.project))
		case inFile:
			u.note("spec.project", fmt.Sprintf("the AppProject %s at %s is made by no app, and bounds nothing", u.project, at))
		case len(t.projects) == 0 || near[u.project] == "": // it may be made elsewhere
			text := "the AppProject " + manifest.Clean(u.project) + " is not in this repository, and bounds nothing"
			if near[u.project] != "" {
				text += "; did you mean " + near[u.project] + "?"
			}
			u.note("spec.project", text)
		case !told[u.reader.At("spec.project")]:
			told[u.reader.At("spec.project")] = true
			hint := "did you mean " + near[u.project] + "? Else commit it"
			u.reader.Add("spec.project", fmt.Sprintf("spec.project: no AppProject %s is in this revision; Argo CD refuses such an Application as well", manifest.Clean(u.project)), hint)
		}
		all = append(all, Late{u.app.By, u.reader.Problems[problems:], u.reader.Notes[notes:]})
	}
	t.unbound = nil
	return all
}
