package deploy

import (
	"github.com/pushboat/pushboat/internal/live"
)

// shownEntry is an object of the index with its health as it may be shown.
func (t *target) shownEntry(entry live.Entry) live.Entry {
	entry.Health.Message = t.Shown(entry.Health.Message)
	return entry
}

// clear takes out of a hook's failure what its pod must not have told.
func (t *target) clear(f *hookFailure) {
	f.reason = t.Shown(f.reason)
	for i, line := range f.log {
		f.log[i] = t.Shown(line)
	}
}

// clearNodes takes out of a tree what its objects must not tell.
func (t *target) clearNodes(nodes []Node) {
	for i := range nodes {
		nodes[i].Message = t.Shown(nodes[i].Message)
		t.clearNodes(nodes[i].Children)
	}
}
