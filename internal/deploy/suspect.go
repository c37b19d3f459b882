package deploy

import (
	"context"

	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// OnSuspect sets the function that hears of objects that have changed since they were
// applied. f must be quick. Call it before Start.
func (e *Engine) OnSuspect(f func(app name.App, id manifest.ID)) { e.suspect = f }

// OnWanted sets the function that hears by which schedules to check an app, and check
// it in full, whenever they may have changed; "" means by none. f must be quick and
// safe for concurrent use; its last call for an app holds. Call it before Start.
func (e *Engine) OnWanted(f func(app name.App, schedule, full string)) { e.wanted = f }

// retryOn makes the apps of a cluster whose last attempt failed retry at once: the
// cluster did not answer, and does again.
func (e *Engine) retryOn(cluster string) {
	for _, a := range e.sorted() {
		if t := a.wanted(); t == nil || t.Spec.Cluster != cluster {
			continue
		}
		select {
		case a.hurry <- struct{}{}:
		default: // already signalled
		}
	}
}

// changed looks at one event of an index. While the app is being worked on,
// events are most likely our own; they are looked at afterwards.
func (e *Engine) changed(cluster string, event live.Event) {
	app, ok := e.claims.AppOf(event.Entry.PartOf)
	owner := e.claims.Owner(cluster, event.Entry.ID)
	defer e.bell.ring(app, owner)
	if owner != "" && owner != app {
		e.takenAway(owner, event) // its label names another set now
	}
	if !ok {
		return
	}
	a := e.app(app)
	if a != nil && !a.ledger.Made(event.Entry) {
		return // somebody has copied the label
	}
	if a != nil && event.Entry.Hook != nil {
		a.hooks.See(event)
		return
	}
	if a != nil {
		a.noticeEnd(event)
		a.noticeDeletion(event)
	}
	if a == nil || a.queue.seeLater(event.Entry.ID) {
		return
	}
	if !a.unwell() {
		e.noticeHealth(a, event.Entry, event.Deleted)
	}
	switch {
	case a.differs(event.Entry, event.Deleted):
		e.tellSuspect(a, event.Entry.ID)
	case a.drifts.forget(event.Entry.ID): // somebody else has taken it back
	case a.unwell() && event.Entry.Health.OK():
		e.Check(app, record.CauseHealth)
	}
}

// takenAway looks at an event of an object that an app wants and that has the label of
// another set: somebody has changed that, and perhaps more. It is nothing while the app
// has not applied the object yet.
func (e *Engine) takenAway(owner name.App, event live.Event) {
	a := e.app(owner)
	if a == nil || event.Entry.Hook != nil || a.queue.seeLater(event.Entry.ID) {
		return
	}
	if a.differs(event.Entry, event.Deleted) {
		e.tellSuspect(a, event.Entry.ID)
	}
}

// unwell reports whether the newest deploy did not become healthy.
func (a *app) unwell() bool {
	last := a.lastRecord()
	return last != nil && last.Stands() == record.Unhealthy
}

func (e *Engine) tellSuspect(a *app, id manifest.ID) {
	t := a.wanted()
	if e.suspect != nil && t != nil && !t.Gone {
		e.suspect(a.name, id)
	}
}

// rescanUnseen tells of the objects that differ, of those that had an event while the app
// was worked on.
func (a *app) rescanUnseen(t *target, unseen map[manifest.ID]bool) {
	for id := range unseen {
		entry, ok := a.engine.Clusters.Get(t.Spec.Cluster).Index.Get(id)
		entry.ID = id
		if a.differs(entry, !ok) {
			a.engine.tellSuspect(a, id)
		}
	}
}

// AwaitRest returns when an app has nothing queued or at work, or with ctx's error.
func (e *Engine) AwaitRest(ctx context.Context, app name.App) error {
	if a := e.app(app); a != nil {
		return a.queue.awaitRest(ctx)
	}
	return nil
}

// differs reports whether an object is not as it was left.
func (a *app) differs(entry live.Entry, deleted bool) bool {
	left, known := a.ledger.Of(entry.ID)
	if a.retakes.explain(entry, !deleted) {
		return false
	}
	if deleted {
		return known && left.Ended == ""
	}
	return known && (entry.Fingerprint != left.Fingerprint || entry.PartOf != a.set)
}

// rescan looks for changes that happened while the app was being worked on.
func (a *app) rescan(t *target) {
	index := a.engine.Clusters.Get(t.Spec.Cluster).Index
	var changed []manifest.ID
	for _, id := range a.ledger.Unsettled(index, a.set) {
		left, known := a.ledger.Of(id)
		if !known {
			continue
		}
		entry, there := index.Get(id)
		if entry.ID = id; a.retakes.explain(entry, there) {
			continue
		}
		there = there && entry.PartOf == a.set && entry.Hook == nil
		if there && entry.Fingerprint != left.Fingerprint || !there && left.Ended == "" {
			changed = append(changed, id)
		}
	}
	for _, id := range changed {
		a.engine.tellSuspect(a, id)
	}
}
