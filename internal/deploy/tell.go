package deploy

import (
	"sync"

	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// lastTold is the last reported reason why an app is not in sync; "" for none. No other
// lock is taken under its lock.
type lastTold struct {
	mu   sync.Mutex
	text string
}

// swap stores the reported reason, and returns the one before.
func (l *lastTold) swap(text string) (before string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.text = l.text, text
	return before
}

// tellStanding publishes that the app ceased to be in sync in a way of which no record
// tells: a check failed, a correction has to wait, or a deletion hangs; and that it is in
// sync again.
func (a *app) tellStanding() {
	t := a.wanted()
	if t == nil || t.Gone || a.engine.ctx.Err() != nil {
		return
	}
	s := a.status()
	happened, told := standingEvent(s), ""
	if happened != nil {
		told = happened.Text
	}
	switch {
	case a.told.swap(told) == told:
	case happened != nil:
		a.engine.publish(a, *happened)
	case s.Sync == InSync:
		a.engine.publish(a, event.Event{Kind: event.Drift, Good: true, Text: "in sync again"})
	}
}

// standingEvent is the event of an app that is not in sync; nil if it is in sync, or if
// its records cover all differences.
func standingEvent(s Status) *event.Event {
	switch s.Sync {
	case Unsure:
		return &event.Event{Kind: event.Drift, Text: manifest.OneLine("the last check could not be done: " + s.Trouble)}
	case Drifted:
		for _, found := range s.Found {
			if found.pending {
				return &event.Event{Kind: event.Drift, Object: found.Object, Text: manifest.OneLine(found.Object + " " + found.What), Keys: keysOfFinding(found)}
			}
		}
	}
	return nil
}

// noticeDeletion reports an object whose deletion does not end within a while.
func (a *app) noticeDeletion(seen live.Event) {
	if seen.Entry.Terminating && !seen.Deleted {
		a.engine.timers.after(illAfter, a.tellStanding)
	}
}
