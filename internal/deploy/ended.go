package deploy

import (
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// An object that runs to an end, such as a Job, is done when it gets there: until its
// manifest changes it is not recreated, whoever deletes it afterwards. The end is noted
// with the object, and so survives a restart.

// noticeEnd notes that an object of the app came to its end. One that goes after the
// time that its annotations give it has come there, too.
func (a *app) noticeEnd(event live.Event) {
	end := event.Entry.Ended
	if expires := event.Entry.Expires; end == "" && event.Deleted && !expires.IsZero() && !time.Now().Before(expires) {
		end = health.Succeeded
	}
	if end == "" || !a.ledger.NoteEnd(event.Entry.ID, end) {
		return
	}
	if working, _ := a.queue.load(); !working {
		a.engine.Check(a.name, record.CauseHealth) // which records it
	}
}

// failedAndGone lists objects that failed for good and were deleted since, sorted.
func (a *app) failedAndGone(index *live.Index) []manifest.ID {
	return slices.DeleteFunc(a.ledger.Exhausted(), func(id manifest.ID) bool { return !index.Lacks(id) })
}
