package deploy

import (
	"sync"

	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// shown returns a text that the cluster has made of the target's objects, such as the
// message of a pod, as it may be shown: without the values that they hide.
func (t *target) Shown(text string) string {
	if t == nil || t.Telling == nil || text == "" {
		return text
	}
	return t.Telling()(text)
}

// tellingIn returns what takes the values that objects hide out of texts. It is made
// when it is needed first.
func tellingIn(objects []*manifest.Object) func() func(string) string {
	return sync.OnceValue(func() func(string) string {
		var values []string
		for _, o := range objects {
			values = append(values, o.Telling()...)
		}
		if len(values) == 0 {
			return func(text string) string { return text }
		}
		return manifest.NewRedacter(values)
	})
}

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
