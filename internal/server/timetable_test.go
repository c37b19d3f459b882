package server

import (
	"context"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/name"
)

// call is a check that the timetable has started.
type call struct {
	app name.App
	due time.Time
}

func quiet() *logrus.Entry {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	return logrus.NewEntry(logger)
}

func TestAppsOfOneTickAreDueTogether(t *testing.T) {
	const apps = 20
	calls := make(chan call, 10*apps)
	table := newTimetable(func(app name.App, due time.Time) { calls <- call{app, due} }, maxJitter, quiet())
	for i := range apps {
		spec := "@every 1s"
		if i%2 == 0 {
			spec = "* * * * * *" // the same ticks, in other words
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
				t.Fatal("an app without a schedule was checked")
			}
			if ticks[c.due]++; ticks[c.due] == apps {
				full++
			}
		case <-time.After(2 * time.Minute):
			t.Fatalf("checks by the time they were due: %v", ticks)
		}
	}
}

// TestSpread: each app of a row has its own turn, and the turns keep the order of the apps.
func TestSpread(t *testing.T) {
	apps := []name.App{"a", "b", "c", "d", "e", "f", "g", "h"}
	seen := map[name.App]bool{}
	for i, turn := range spread(apps, time.Hour) {
		if seen[turn.app] = true; turn.late < 0 || turn.late >= time.Hour {
			t.Errorf("%s is %s late", turn.app, turn.late)
		}
		if turns := spread(apps, time.Hour); i > 0 && turns[i].late < turns[i-1].late {
			t.Errorf("turn %d comes before the one in front of it", i)
		}
	}
	if len(seen) != len(apps) {
		t.Errorf("%d apps have a turn, of %d", len(seen), len(apps))
	}
	for _, turn := range spread(apps, 0) {
		if turn.late != 0 {
			t.Errorf("%s is %s late, without a time to spread them in", turn.app, turn.late)
		}
	}
}

// TestStopEndsWhatIsDue: a check waits for its turn, unless the timetable stops before.
func TestStopEndsWhatIsDue(t *testing.T) {
	for checks, wait := range map[int]time.Duration{0: 24 * time.Hour, 1: 25 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			made := 0
			table := newTimetable(func(name.App, time.Time) { made++ }, maxFullJitter, quiet())
			table.set("shop", "@every 24h")
			table.start()
			<-time.After(wait)
			synctest.Wait()
			table.stop()
			<-time.After(2 * time.Hour)
			synctest.Wait()
			if made != checks {
				t.Errorf("stopped after %s: %d checks, want %d", wait, made, checks)
			}
		})
	}
}

// TestStopWaitsForChores: at the stop, the context of a running chore ends, and the
// timetable waits for the chore.
func TestStopWaitsForChores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newTimetable[name.App](nil, 0, quiet())
		ended := 0
		table.every(time.Minute, func(ctx context.Context) {
			<-ctx.Done()
			ended++
		})
		table.start()
		<-time.After(3 * time.Minute)
		synctest.Wait()
		if table.stop(); ended != 1 {
			t.Errorf("%d chores have ended, want the one that was running", ended)
		}
	})
}
