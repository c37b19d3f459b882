package deploy

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/record"
)

func TestAwaitedLine(t *testing.T) {
	since := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		awaited awaited
		after   time.Duration
		want    string
	}{
		{awaited{"its turn", since, 0}, 15 * time.Second, "  waiting     15 s, for its turn"},
		{awaited{"Job shop/a: 0 of 1 done", since, 5 * time.Minute}, 150 * time.Second, "  waiting     2 min 30 s of 5 min, for Job shop/a: 0 of 1 done"},
		{
			awaited{"Deployment shop/web: 0 of 1 pod ready\nNotReady: x", since, time.Minute},
			time.Minute,
			"  waiting     1 min of 1 min, for Deployment shop/web: 0 of 1 pod ready\n              NotReady: x",
		},
	} {
		if got := c.awaited.at(since.Add(c.after)); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

// TestStandingOfAWait: a line that moves has what is left, goes on with the rollback that
// follows, and ends with it.
func TestStandingOfAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run, back := newRun("shop", 1), newRun("shop", 2)
		standing := func() string { return strings.TrimPrefix(run.Standing(time.Now()), "  waiting     ") }
		<-time.After(3 * time.Second)
		if got := standing(); got != "3 s, for its turn" {
			t.Errorf("in the queue: %q", got)
		}
		run.WaitsFor("Job shop/a: 0 of 1 done\nBackOff: \x1b[2J", time.Minute)
		<-time.After(45 * time.Second)
		if got := standing(); got != "45 s, 15 s left, for Job shop/a: 0 of 1 done" {
			t.Errorf("within the limit: %q", got)
		}
		<-time.After(time.Minute)
		if got := standing(); got != "1 min 45 s, 0 s left, for Job shop/a: 0 of 1 done" {
			t.Errorf("beyond it: %q", got)
		}
		run.follow(&Sequel{Run: back})
		run.finish(record.Record{})
		back.WaitsFor("db", 0)
		if got := standing(); got != "0 s, for db" {
			t.Errorf("of the rollback: %q", got)
		}
		back.finish(record.Record{})
		if got := standing(); got != "" {
			t.Errorf("at the end: %q", got)
		}
	})
}

func TestADeployThatWaitsSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := newRun("shop", 1)
		lines := func() int { return strings.Count(string(run.Log()), "waiting ") }
		<-time.After(pulseEvery - time.Second)
		run.Printf("begun") // puts the next line off
		run.WaitsFor("db", time.Minute)
		<-time.After(2 * time.Second)
		if lines() != 0 {
			t.Errorf("the pulse reports the wait although a line was just written:\n%s", run.Log())
		}
		<-time.After(pulseEvery)
		run.StillWaitsFor("db to be healthy")
		<-time.After(pulseEvery)
		if log := string(run.Log()); lines() != 2 || !strings.Contains(log, "  waiting     14 s of 1 min, for db\n") ||
			!strings.Contains(log, "  waiting     28 s of 1 min, for db to be healthy\n") {
			t.Errorf("log:\n%s", log)
		}
		run.finish(record.Record{})
		<-time.After(2 * pulseEvery)
		if lines() != 2 {
			t.Errorf("the pulse reports a wait after its end:\n%s", run.Log())
		}
	})
}

// TestWhoWatchesAWaitIsToldEvery5s, in lines that are not part of the log; who is attached is
// not.
func TestWhoWatchesAWaitIsToldEvery5s(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := newRun("shop", 1)
		var seen, heard []string
		done := make(chan struct{}, 2)
		for _, who := range []struct {
			follow func(context.Context, func(string)) (record.Record, error)
			lines  *[]string
		}{{run.Watch, &seen}, {run.Attach, &heard}} {
			go func() {
				_, _ = who.follow(t.Context(), func(line string) { *who.lines = append(*who.lines, line) })
				done <- struct{}{}
			}()
		}
		run.WaitsFor("db\x1b[2J: 0 of 1 ready\nNotReady: x", time.Minute)
		<-time.After(9*time.Second + time.Millisecond)
		run.Printf("begun")
		<-time.After(4 * time.Second)
		run.finish(record.Record{})
		<-done
		<-done
		want := `  waiting     4 s of 1 min, for db\x1b[2J: 0 of 1 ready|  waiting     9 s of 1 min, for db\x1b[2J: 0 of 1 ready|begun`
		if got := strings.Join(seen, "|"); got != want {
			t.Errorf("who watches sees\n%s\nwant\n%s", got, want)
		}
		if got := strings.Join(heard, "|") + "|" + string(run.Log()); got != "begun|begun\n" {
			t.Errorf("who is attached hears %q", got)
		}
	})
}
