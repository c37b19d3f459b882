package apply

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Former are the objects of an app that were not healthy before a deploy applied
// anything. Their failures are older than the deploy, whose change to another object
// may be the fix. So such a failure does not end the wait for health until the object
// was seen without it.
type Former map[manifest.ID]ailment

// ailment is how an object was before the deploy.
type ailment struct {
	uid        types.UID
	generation int64
	status     health.Status
}

// newFormer notes which of the objects are not healthy.
func newFormer(sick []live.Entry) Former {
	before := Former{}
	for _, entry := range sick {
		before[entry.ID] = ailment{entry.UID, entry.Generation, entry.Health.Status}
	}
	return before
}

// see takes up how an object is now. A failure that comes after it was seen to be gone
// is a fresh one. What its controller has not looked at says nothing.
func (f Former) see(entry live.Entry) {
	was, known := f[entry.ID]
	switch {
	case !known:
	case entry.UID != was.uid, was.status == health.Failed && entry.Health.Status != health.Failed && !entry.Health.Unseen():
		delete(f, entry.ID)
	}
}

// failed reports whether an object's failure is the one that it had before.
func (f Former) failed(entry live.Entry) bool {
	was, known := f[entry.ID]
	return known && was.status == health.Failed
}

// unchanged reports whether an object was not healthy before and has not changed since:
// the cause was there before, and may be about to end.
func (f Former) unchanged(entry live.Entry) bool {
	was, known := f[entry.ID]
	return known && was.generation == entry.Generation
}
