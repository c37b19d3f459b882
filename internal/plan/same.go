package plan

import (
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Most objects of most plans stay as they are, and there is nothing to say of them.
// They have no step: a step is large, and steps are sorted, grouped and copied, which
// for ten thousand objects took longer than all else of a push that changes one. What
// has to know all objects of a plan asks for its same ones as well.

// fold sorts out those of a plan's objects that do not change. It returns the ones that
// need no step, the steps of those that need one, and the objects that are still to
// plan.
func (p *Planner) fold(plan *Plan, objects []Placed) (same []*Placed, steps []Step, rest []Placed) {
	folds := !hasWaves(objects)
	var before *known
	if folds && p.remembers() {
		before = p.Ledger.fold(p.Index, p.set)
		same = make([]*Placed, 0, len(objects))
	}
	for i := range objects {
		o := &objects[i]
		if before.has(o) {
			same = append(same, o)
			continue
		}
		entry, stays := p.unchanged(o)
		switch {
		case !stays:
			rest = append(rest, *o)
		case folds && o.folds() && entry.Ended == "":
			same = append(same, o)
		default:
			steps = append(steps, p.stay(o, entry))
		}
	}
	if before != nil {
		plan.folded = before.when
		p.Ledger.foldedNow(before, placesOf(same))
	}
	return same, steps, rest
}

// remembers reports whether an object that was found as it was left, and that nothing was
// told of since, need not be looked at again, see unchanged.
func (p *Planner) remembers() bool {
	return p.Depth == BySight && !p.Partial && !p.Target.Blind && !p.With.Defines()
}

// placesOf are the places of objects, as far as they are remembered.
func placesOf(objects []*Placed) []*placed {
	places := make([]*placed, 0, len(objects))
	for _, o := range objects {
		if o.place != nil {
			places = append(places, o.place)
		}
	}
	return places
}

// folds reports whether an unchanged object needs no step. An object needs a step if it
// has a remark, if it may be recreated all the same, or if others of the plan wait for
// it.
func (o *Placed) folds() bool {
	if o.Note != "" || o.Policy.Has(manifest.Force|manifest.Replace) {
		return false
	}
	switch manifest.StageOf(o.Key.GroupKind()) {
	case manifest.StageGround, manifest.StageWorkload:
		return true
	}
	return false
}

// hasWaves reports whether the objects come in several waves: each waits until all
// objects of the waves before it are healthy.
func hasWaves(objects []Placed) bool {
	for i := range objects {
		if objects[i].Policy.Wave != 0 {
			return true
		}
	}
	return false
}

// IDs passes the identity of every object of the plan's revision, until f is false.
func (p *Plan) IDs(f func(id manifest.ID) bool) {
	for i := range p.Steps {
		if !f(p.Steps[i].ID) {
			return
		}
	}
	for _, o := range p.Same {
		if !f(o.Key) {
			return
		}
	}
}

// Kinds is a step for each kind and namespace of the plan's same objects, for the
// inventory of the app.
func (p *Plan) Kinds() []Step {
	var kinds distinct[manifest.ID]
	for _, o := range p.Same {
		id := o.Key
		id.Name = ""
		kinds.add(id)
	}
	steps := make([]Step, len(kinds.list))
	for i, id := range kinds.list {
		steps[i].ID = id
	}
	return steps
}

// WithSame are the plan's steps with those of its same objects, in their order.
func (p *Plan) WithSame() []Step {
	steps := slices.Clone(p.Steps)
	for _, o := range p.Same {
		steps = append(steps, newStep(*o))
	}
	SortSteps(steps)
	return steps
}

// Unfolded are the steps of the plan's same objects that are among ids, made as they
// would be applied.
func (p *Plan) Unfolded(ids map[manifest.ID]bool) []Step {
	var steps []Step
	for _, o := range p.Same {
		if ids[o.Key] {
			step := newStep(*o)
			step.Make(p.Target)
			steps = append(steps, step)
		}
	}
	return steps
}
