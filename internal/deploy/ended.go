package deploy

import (
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// What runs to an end, such as a Job, is done when it came there: until its manifest
// changes it is not made anew, whoever deletes it afterwards. That it ended is noted
// with the object, and so outlives a restart.

// noticeEnd notes that an object of the app came to its end. One that goes after the
// time that its annotations give it has come there, too.
func (a *app) noticeEnd(event live.Event) {
	end := event.Entry.Ended
	if expires := event.Entry.Expires; end == "" && event.Deleted && !expires.IsZero() && !time.Now().Before(expires) {
		end = health.Succeeded
	}
	if end != "" && a.noteEnd(event.Entry.ID, end) && a.idleNow() {
		a.engine.Check(a.name, record.CauseHealth) // which records it
	}
}

// noteEnd notes how an object of the app ended, and reports whether that is news.
func (a *app) noteEnd(id manifest.ID, end health.End) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, known := a.objects[id]
	if !known || n.Ended == end {
		return false
	}
	n.Ended = end
	a.objects[id], a.unsaved[id] = n, true
	return true
}

// idleNow reports whether the worker is at no job.
func (a *app) idleNow() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.doing == nil
}

// hasEnded reports whether an object came to its end as it is written.
func (a *app) hasEnded(o resolved) bool {
	n, known := a.notedOf(o.id)
	return known && n.Ended != "" && n.Digest == a.sealed(o.id, o.digest)
}

// endsUnsaved reports whether something came to its end since the newest record.
func (a *app) endsUnsaved() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.unsaved {
		if a.objects[id].Ended != "" {
			return true
		}
	}
	return false
}

// failedAndGone lists what failed for good and was deleted since, sorted.
func (a *app) failedAndGone(index *live.Index) []manifest.ID {
	a.mu.Lock()
	defer a.mu.Unlock()
	var gone []manifest.ID
	for id, n := range a.objects {
		if n.Ended == health.Exhausted && index.Lacks(id) {
			gone = append(gone, id)
		}
	}
	slices.SortFunc(gone, func(x, y manifest.ID) int { return strings.Compare(x.Key(), y.Key()) })
	return gone
}
