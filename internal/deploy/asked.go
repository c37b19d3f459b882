package deploy

import (
	"github.com/pushboat/pushboat/internal/record"
)

// Asked is what the change asks for.
func (p *Proposal) Asked() record.Asked {
	return record.Asked{Revision: p.Revision, Force: p.Options.Force, Skip: p.Options.Skip}
}
