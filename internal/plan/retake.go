package plan

import (
	"iter"

	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// A cluster may come back from a backup without managedFields, or without labels. Its
// objects are as their revisions have them, and nothing shows any more that they are the
// app's. To say so again takes an apply of each, which changes no value: it is no
// correction, and nobody has to hurry with it.

// lostOwner reports whether a running object that the app has applied as it is written
// now has lost the marks of its owner.
func (p *Planner) lostOwner(step *Step) bool {
	unlabelled := step.Entry.PartOf == ""
	unowned := step.Entry.PartOf == SetID(p.Target.Spec.Name) && step.Entry.Fingerprint == ""
	return (unlabelled || unowned) && p.Ledger.IsWritten(step.ID, step.Digest)
}

// Retaking lists the steps that only mark an object's owner again.
func (p *Plan) Retaking() []Step {
	var steps []Step
	for i := range p.Steps {
		if step := &p.Steps[i]; step.Retakes && step.Action == record.Configure {
			steps = append(steps, *step)
		}
	}
	return steps
}

// LeaveRetaking has the plan leave the objects of those steps as they are.
func (p *Plan) LeaveRetaking() {
	for i := range p.Steps {
		if step := &p.Steps[i]; step.Retakes {
			step.Action = record.Unchanged
		}
	}
}

// beyond are the objects that the app has and the revision does not: those with its
// label, and those that are known to have lost it.
func (p *Planner) beyond(wanted iter.Seq[manifest.ID]) []live.Entry {
	beyond := p.Index.Beyond(p.set, wanted)
	if len(p.Strays) == 0 {
		return beyond
	}
	stays := map[manifest.ID]bool{}
	for id := range wanted {
		stays[id] = true
	}
	for _, entry := range p.Strays {
		if _, labelled := p.Index.Get(entry.ID); !labelled && !stays[entry.ID] {
			beyond = append(beyond, entry)
		}
	}
	return beyond
}
