package render

import (
	"github.com/pushboat/pushboat/internal/render/secrets"
)

// unknown stands for a value of a cluster that is not read.
const unknown = "unknown"

// Blind returns the renderer without what is not for everybody: without keys, so that
// every encrypted value is secrets.Placeholder, and without values of clusters, which
// are unknown. For revisions that nobody who may deploy has accepted: what they do with
// a value is their author's choice.
func (r *Renderer) Blind() *Renderer {
	blind := *r
	blind.keys, blind.blind = secrets.Unknown(), true
	return &blind
}
