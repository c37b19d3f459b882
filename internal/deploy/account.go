package deploy

import (
	"sort"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// maxFields is how many fields of one object a record names.
const maxFields = 50

// account enters the actions on the app's objects in a record.
func (a *app) account(rec *record.Record, todo *plan.Plan, done work) {
	rec.Deleted = done.Deleted()
	rec.Same = done.Same() + len(todo.Same)
	for _, step := range done.Done() {
		o := recorded(step)
		if rec.Result == record.Corrected {
			o.Culprit, o.Differences = culpritOf(step.Culprit), differencesOf(step)
		}
		rec.Objects = append(rec.Objects, o)
	}
	if todo.Partial {
		rec.Same = max(a.ledger.Count()-len(rec.Objects), 0)
	}
	sort.Slice(rec.Objects, func(i, k int) bool { return rec.Objects[i].Key < rec.Objects[k].Key })
}

// recorded returns a step in the form of a record, without the culprit.
func recorded(s plan.Step) record.Object {
	o := record.Object{Key: s.ID.Key(), Action: s.Action}
	for _, change := range s.Changes[:min(len(s.Changes), maxFields)] {
		o.Fields = append(o.Fields, change.Path)
	}
	return o
}

// differencesOf lists the fields that a step would take back, up to maxFields.
func differencesOf(s plan.Step) []record.Difference {
	var list []record.Difference
	for _, change := range s.Changes[:min(len(s.Changes), maxFields)] {
		list = append(list, record.Difference{
			Field: manifest.Clean(change.Path), Found: manifest.Clean(change.Before), Wanted: manifest.Clean(change.After),
		})
	}
	return list
}

// leftAlone lists, for a record, the objects that have drifted and are left as they are.
func leftAlone(steps []plan.Step) []record.Object {
	var objects []record.Object
	for _, step := range steps {
		o := recorded(step)
		o.Action, o.Culprit, o.Differences = record.Left, culpritOf(step.Culprit), differencesOf(step)
		objects = append(objects, o)
	}
	return objects
}

// culpritOf returns a culprit in the form of a record; nil if nobody is known.
func culpritOf(c owner.Culprit) *owner.Culprit {
	if c.Manager == "" {
		return nil
	}
	c.Manager = manifest.Clean(c.Manager)
	return &c
}

// entry returns the data to store for a deploy with this record. Objects that the plan
// applied are included if they changed, so that the cost of a record grows with the
// deploy's changes.
func (a *app) entry(todo *plan.Plan, rec record.Record) record.Entry {
	noted, unsaved := a.ledger.Save()
	entry := record.Entry{Record: rec, Noted: noted}
	steps := map[manifest.ID]plan.Step{}
	if todo != nil && len(unsaved) > 0 {
		for i := range todo.Steps {
			if step := &todo.Steps[i]; unsaved[step.ID] {
				step.Make(todo.Target)
				steps[step.ID] = *step
			}
		}
		for _, step := range todo.Unfolded(unsaved) {
			steps[step.ID] = step
		}
	}
	for id := range unsaved {
		kept := record.Kept{ID: id}
		_, ours := noted[id]
		step, planned := steps[id]
		switch {
		case !ours:
			kept.Gone = true
		case planned && a.ledger.IsWritten(id, step.Digest):
			kept.Manifest = a.masked(step)
		}
		entry.Kept = append(entry.Kept, kept)
	}
	return entry
}

// masked writes an object as it was applied, secrets masked; nil if that can
// not be done, which is so for nothing that was read from YAML or JSON.
func (a *app) masked(step plan.Step) []byte {
	text, err := manifest.YAML(a.engine.Masker.Hiding(step.Object.Hidden()).Of(step.Object).MaskObject(step.Object.Unstructured).Object)
	if err != nil {
		a.engine.Log.WithField("app", a.name).Errorf("record %s: %v", step.ID, err)
		return nil
	}
	return text
}
