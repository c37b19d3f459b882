package render

import (
	"github.com/pushboat/pushboat/internal/render/secrets"
)

// unknown replaces a value of a cluster that is not read.
const unknown = "unknown"

// Blind returns the renderer without access to secrets. It has no keys, so every
// encrypted value is secrets.Placeholder, and reads no values of clusters, which are
// unknown. It is for revisions that nobody with the right to deploy has accepted, whose
// authors may do anything with a value.
func (r *Renderer) Blind() *Renderer {
	blind := *r
	blind.keys, blind.blind = secrets.Unknown(), true
	return &blind
}
