package deploy

import (
	"github.com/pushboat/pushboat/internal/manifest"
)

// warnings are those of all plans.
func (p *Proposal) warnings() manifest.Problems {
	var all manifest.Problems
	for _, plan := range p.Plans {
		all = append(all, plan.Warnings()...)
	}
	all = append(all, unselected(p.selections)...)
	all = append(all, p.importedNotes()...)
	all = append(all, p.handed...)
	all.Sort()
	return all
}
