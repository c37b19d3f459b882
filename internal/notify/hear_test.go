package notify

import (
	"testing"

	"github.com/pushboat/pushboat/internal/event"
)

// TestHearNoticesWhatWasForgotten: an event says which app to look at; where the bus has
// forgotten some, all are looked at.
func TestHearNoticesWhatWasForgotten(t *testing.T) {
	bus := event.New(2)
	n := &Notifier{config: Config{Events: bus}, look: newLook()}
	n.look.all = false
	for range 3 {
		bus.Publish(event.Event{Kind: event.Health, App: "shop"})
		n.hear()
	}
	if n.look.all || !n.look.dirty["shop"] {
		t.Errorf("all apps are to be looked at: %v; of single ones, %v", n.look.all, n.look.dirty)
	}
	for range 3 {
		bus.Publish(event.Event{Kind: event.Health, App: "blog"})
	}
	if n.hear(); !n.look.all {
		t.Error("a forgotten event was not noticed")
	}
}
