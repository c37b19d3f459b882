package deploy

import (
	"slices"

	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// Asked returns the options of the change, merged with those of earlier changes that
// are not all carried out.
func (p *Proposal) Asked() record.Asked {
	return record.Asked{
		Revision: p.Revision, Force: p.Options.Force || p.isForced(), TakeOver: p.Options.TakeOver || p.isTakingOver(), Skip: p.Options.Skip, Override: p.Overridden(),
		Signed: p.Signed, Leaving: p.goes(), Keeping: p.staying(),
	}
}

// AskedOfApp returns the options of a change that is about one app only.
func (p *Proposal) AskedOfApp() record.Asked {
	return record.Asked{Revision: p.Revision, Force: p.Options.Force, TakeOver: p.Options.TakeOver, Override: p.Overridden()}
}

// isForced reports whether an app of the change is still being brought by force to the
// revision before.
func (p *Proposal) isForced() bool {
	return slices.ContainsFunc(p.targets, func(t *target) bool {
		a := p.engine.app(t.Spec.Name)
		return a != nil && a.isForced()
	})
}

// isForced reports whether the app is still being brought to its target by force. A
// target that replaces this one is brought there by force as well: it contains the
// changes that needed force, unless they were reverted.
func (a *app) isForced() bool {
	t := a.wanted()
	return t != nil && a.forces(t)
}

// planDepth is how far a plan of the app goes that is made for a job.
func (a *app) planDepth(t *target, j *job) plan.Depth {
	switch {
	case j.force || a.forces(t):
		return plan.ByForce
	case j.depth == ByTrial:
		return plan.ByTrial
	}
	return plan.BySight
}

// planDepth is how far the plans of a change go that has these options.
func (o Options) planDepth() plan.Depth {
	if o.Force {
		return plan.ByForce
	}
	return plan.BySight
}

// forces reports whether a target is brought to the cluster by force, until it is there.
func (a *app) forces(t *target) bool { return t.forced && !a.settled(t) }
