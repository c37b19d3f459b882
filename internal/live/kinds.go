package live

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// unusedGrace is how long a kind is watched of which no app has objects. So pushes that
// are only planned, and an app's last object of a kind that goes and comes, do not
// start and stop watches all the time.
const unusedGrace = 30 * time.Second

// Use names the kinds of an ApplySet's objects. After a while, a kind that no ApplySet
// has is no longer watched.
func (x *Index) Use(partOf string, kinds []schema.GroupKind) {
	x.mu.Lock()
	before := x.users[partOf]
	if len(kinds) == 0 {
		delete(x.users, partOf)
	} else {
		x.users[partOf] = slices.Clone(kinds)
	}
	x.mu.Unlock()
	for _, gk := range before {
		if !slices.Contains(kinds, gk) {
			x.sweepLater()
			return
		}
	}
}

// sweepLater ends unused watches when the grace period is over.
func (x *Index) sweepLater() { x.later(x.grace, x.sweep) }

// later calls f after a wait, unless the context of the index ends first.
func (x *Index) later(wait time.Duration, f func()) {
	x.tasks.begin(func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			f()
		case <-x.ctx.Done():
		}
	})
}

func (x *Index) sweep() {
	for _, f := range x.unused() {
		x.log.WithField("kind", f.target().GVK.Kind).Debug("no app has objects of the kind any more: it is not watched")
		f.end()
	}
}

// unused returns the watches of kinds that no ApplySet uses and that nobody has asked
// for within the grace period.
func (x *Index) unused() []*follow {
	x.mu.RLock()
	defer x.mu.RUnlock()
	used := map[schema.GroupKind]bool{}
	for _, kinds := range x.users {
		for _, gk := range kinds {
			used[gk] = true
		}
	}
	var unused []*follow
	for gk, f := range x.follows {
		if !used[gk] && time.Since(f.lastAsked()) >= x.grace {
			unused = append(unused, f)
		}
	}
	return unused
}
