package server

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/name"
)

// call is a check that the timetable has started.
type call struct {
	app name.App
	due time.Time
}

func TestAppsOfOneTickAreDueTogether(t *testing.T) {
	const apps = 20
	calls := make(chan call, 10*apps)
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	table := newTimetable(func(app name.App, due time.Time) { calls <- call{app, due} }, maxJitter, logrus.NewEntry(logger))
	for i := range apps {
		spec := "@every 1s"
		if i%2 == 0 {
			spec = "* * * * * *" // the same ticks, spelled differently
		}
		table.set(name.App(fmt.Sprintf("app-%d", i)), spec)
	}
	table.set("gone", "@every 1s")
	table.set("gone", "")
	table.start()
	defer table.stop()
	ticks := map[time.Time]int{}
	for full := 0; full < 2; {
		select {
		case c := <-calls:
			if c.app == "gone" {
				t.Fatal("an app that has no schedule any more is checked")
			}
			if ticks[c.due]++; ticks[c.due] == apps {
				full++
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("checks by the time they were due: %v", ticks)
		}
	}
}
