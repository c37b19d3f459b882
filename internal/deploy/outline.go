package deploy

import (
	"encoding/json"
	"io"

	"github.com/pushboat/pushboat/internal/report"
)

// Outline returns the change as data.
func (p *Proposal) Outline() report.Outline {
	o := report.Outline{
		Refused: len(p.Problems) > 0, Plans: []report.OutlinedPlan{},
		Added: append([]string{}, p.added...), Removed: append([]string{}, p.removed...),
		Same: max(0, len(p.targets)-len(p.Plans)),
	}
	p.Problems.Sort()
	o.Problems, o.Warnings = report.OutlineProblems(p.Problems), report.OutlineProblems(p.warnings())
	for _, plan := range p.Plans {
		o.Plans = append(o.Plans, report.OutlinePlan(plan))
	}
	return o
}

// Write writes the change in a format.
func (p *Proposal) Write(w io.Writer, format report.Format) error {
	switch format {
	case report.JSON:
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(p.Outline())
	case report.Markdown:
		p.Outline().WriteMarkdown(w)
	default:
		p.Print(w)
	}
	return nil
}
