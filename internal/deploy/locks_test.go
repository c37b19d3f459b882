package deploy

import (
	"fmt"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/record"
)

// lockLines writes each lock on one line, without its time.
func lockLines(locks []Lock) []string {
	lines := []string{}
	for _, l := range locks {
		lines = append(lines, fmt.Sprintf("%s %s%s%v: %s, by %s (%s)", l.Kind, l.Repo, l.App, l.Apps, l.What, l.By, l.End))
	}
	return lines
}

func TestLocksOfPushesAndDeploys(t *testing.T) {
	o := newOffice(t)
	push := underWay(o.Engine, "blog", "front", "a")
	push.Caller.Operator = "dora"
	if problems := o.reservations.take(push); len(problems) > 0 {
		t.Fatal(problems)
	}
	a := o.deployed(wanted("web"))
	for _, operator := range []string{"ana", "ben"} {
		j := newJob(record.CauseSync, access.Caller{Operator: operator})
		a.queue.begin(j)
		a.queue.add(j)
		if operator == "ana" {
			a.queue.take()
		}
	}
	o.deployed(wanted("idle")).queue.add(systemJob(record.CauseDrift)) // a check that shows nothing
	wantLines(t, "locked", lockLines(o.Locks()),
		"push blog[front]: a push to branch main, by dora ()",
		"deploy shopweb[]: web-2, sync: waits for its turn, by ana (cancel web)",
		"queued shopweb[]: web-3, sync, by ben (cancel web)",
	)
	for _, l := range o.Locks() {
		if l.Since.IsZero() {
			t.Errorf("a lock has no time: %+v", l)
		}
	}
	push.Close()
	if got := o.reservations.locks(); len(got) > 0 {
		t.Errorf("after the push, the locks are %+v", got)
	}
}

func TestLocksThatStand(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	last := &record.Record{Result: record.Skipped, Skipped: "3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1", Operator: "ben", Started: at}
	locks := locksOf(&record.Suspension{By: "ana", Reason: "a move", Since: at, Until: at.Add(time.Hour)}, last.Skipped, "no key\nhint: more", "web", last)
	wantLines(t, "locked", lockLines(locks),
		"suspended []: left alone: a move, until 2026-01-02 04:04 UTC, by ana (resume web)",
		"skipped []: 3f2c1ab was pushed with -o skip, by ben (sync web)",
		"unread []: its branch cannot be rendered, so it stays as it is: no key, by  ()",
	)
	if !locks[1].Since.Equal(at) {
		t.Errorf("skipped since %s", locks[1].Since)
	}
	if got := locksOf(nil, "3f2c1ab", "", "web", nil); len(got) != 1 || got[0].By != "" || !got[0].Since.IsZero() {
		t.Errorf("without a record, the locks are %+v", got)
	}
	if got := locksOf(nil, "", "", "web", last); len(got) > 0 {
		t.Errorf("an app without a lock has %+v", got)
	}
}
