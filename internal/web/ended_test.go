package web

import (
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/event"
)

func TestEndedReadsEachEventOnce(t *testing.T) {
	bus := event.New(3)
	now := time.Now()
	var all ended
	for i, ago := range []time.Duration{26 * time.Hour, 25 * time.Hour, 2 * time.Hour, time.Hour} {
		bus.Publish(event.Event{Kind: event.Deploy, Repo: "shop", Time: now.Add(-ago), Good: i%2 == 0})
		bus.Publish(event.Event{Kind: event.Health, Repo: "shop", Time: now.Add(-ago)})
		all.since(bus, now.Add(-48*time.Hour))
	}
	list := all.since(bus, now.Add(-24*time.Hour))
	if len(list) != 2 || !list[0].good || list[1].good || list[1].repo != "shop" { // more than the bus remembers
		t.Errorf("in the last day ended %+v", list)
	}
	d := newDay()
	for _, e := range list {
		d.add(e.at, e.good, now)
	}
	drawn := d.drawn()
	if drawn.All != 2 || drawn.Bad != 1 || drawn.Hours[21].Good != 1 || drawn.Hours[22].Bad != 1 || drawn.Hours[21].GoodH != dayHeight || !drawn.Hours[0].Nothing {
		t.Errorf("the day is %+v", drawn)
	}
	bus = event.New(maxEnded + 10)
	for range maxEnded + 10 {
		bus.Publish(event.Event{Kind: event.Deploy, Time: now})
	}
	all.forget()
	if n := len(all.since(bus, now.Add(-time.Hour))); n != maxEnded {
		t.Errorf("%d are kept", n)
	}
	d.add(now.Add(-24*time.Hour), true, now)
	d.add(now.Add(time.Second), true, now)
	if d.Good != 1 {
		t.Error("what is not of the last day counts")
	}
}
