package deploy

import (
	"encoding/json"
	"io"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// Outline returns the change as data.
func (p *Proposal) Outline(door report.Door) report.Outline {
	o := report.Outline{
		Refused: len(p.Problems) > 0, Plans: []report.OutlinedPlan{},
		Added: append([]name.App{}, p.added...), Removed: append([]name.App{}, p.gone()...),
		Same: max(0, len(p.targets)-len(p.Plans)),
	}
	p.Problems.Sort()
	o.Problems, o.Warnings = report.OutlineProblems(p.Problems, door), report.OutlineProblems(p.warnings(), door)
	means := map[name.App]*report.OutlinedLineage{}
	for _, one := range p.lineages() {
		means[one.App] = one.Outlined()
	}
	for _, plan := range p.Plans {
		outlined := report.OutlinePlan(plan)
		outlined.Means = means[plan.App]
		o.Plans = append(o.Plans, outlined)
	}
	return o
}

// Write writes the change in a format, for the users of the door.
func (p *Proposal) Write(w io.Writer, format report.Format, door report.Door) error {
	switch format {
	case report.JSON:
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(p.Outline(door))
	case report.Markdown:
		p.Outline(door).WriteMarkdown(w)
	default:
		p.Print(w, door)
	}
	return nil
}
