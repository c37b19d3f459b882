package notify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/record"
)

// When the notifier looks.
const (
	gather  = time.Second // after the first sign of news, so that what happens together is told together
	glance  = time.Minute
	watch   = 10 * time.Second // at apps of which something stands: that it is over is not always an event
	sweep   = 5 * time.Minute  // at every app: not all that is told of is an event
	holding = time.Second      // at a push whose other apps are still at work
)

// How long the news of a push wait for its other apps.
const (
	failureWaits = time.Minute
	successWaits = 10 * time.Minute
)

// Of news that no push groups, so many messages about one topic come within a minute; further
// news are gathered until it is over.
const (
	burst       = 5
	burstWithin = time.Minute
)

// maxExplained bounds the apps of one look whose pods are looked at for a cause.
const maxExplained = 20

// look is what the notifier keeps between two looks.
type look struct {
	rules    *rules.Notifications // for which there are lines
	last     uint64               // event
	heard    uint64               // its ordinal
	all      bool                 // every app is to be looked at
	sweep    time.Time            // when that is so in any case
	stands   bool                 // something of an app
	dirty    map[name.App]bool
	again    map[name.App]time.Time
	first    map[name.App]map[rules.Topic]time.Time // see appState
	told     map[string][]time.Time                 // messages, by their group
	refusals []push.Refusal
	refused  map[string]time.Time // when a refusal was told last
	trouble  bool                 // with the journal, which is logged
}

func newLook() look {
	return look{
		all: true, dirty: map[name.App]bool{}, again: map[name.App]time.Time{}, first: map[name.App]map[rules.Topic]time.Time{},
		told: map[string][]time.Time{}, refused: map[string]time.Time{},
	}
}

func (n *Notifier) run(ctx context.Context) {
	defer close(n.ended)
	for ctx.Err() == nil {
		_, more := n.config.Events.Since(n.look.last)
		wait := n.turn(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-more:
		case <-n.changed:
			n.look.all, n.look.sweep = true, time.Now().Add(settle) // by then, apps are judged by the new rules
		case r := <-n.refused:
			n.look.refusals = append(n.look.refusals, r)
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Reset(gather)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// turn looks at what may have changed, and returns when to look again.
func (n *Notifier) turn(ctx context.Context) time.Duration {
	current := n.config.Rules().Notifications()
	if !n.awake(current) {
		return glance
	}
	n.hear()
	now := time.Now()
	t := &taking{notifier: n, ctx: ctx, now: now, change: &change{}, next: glance, atWork: map[string]bool{}}
	for _, app := range n.due(now) {
		t.app(app)
	}
	t.soon(n.look.sweep.Sub(now))
	if n.look.stands {
		t.soon(watch)
	}
	t.things()
	t.refusals()
	return t.finish(current)
}

// awake reports whether there is anybody to tell. What was known is forgotten when there is
// not: who is told later is told what happens from then on.
func (n *Notifier) awake(current *rules.Notifications) bool {
	n.setLines(current)
	n.mu.Lock()
	begun := n.ledger.begun
	someone := tells(current)
	if !someone {
		n.beginning = nil
	}
	n.mu.Unlock()
	switch {
	case !someone && begun.IsZero():
	case !someone:
		n.note(n.commit(&change{Forget: true}))
		n.look = newLook()
		n.look.rules = current
	case begun.IsZero():
		n.note(n.commit(n.firstChange()))
		n.look.all = true
	}
	if !someone {
		n.look.refusals = nil
	}
	return someone
}

// note logs that the outbox cannot be written, once.
func (n *Notifier) note(err error) bool {
	if err != nil && !n.look.trouble {
		n.config.Log.Errorf("notify: %v; nobody is told anything until that works", err)
	}
	n.look.trouble = err != nil
	return err == nil
}

// hear notes where events and refusals say to look.
func (n *Notifier) hear() {
	events, _ := n.config.Events.Since(n.look.last)
	for _, e := range events {
		if e.Ordinal > n.look.heard+1 {
			n.look.all = true // some were forgotten
		}
		n.look.last, n.look.heard = e.Number, e.Ordinal
		switch {
		case e.Kind == event.Cluster:
			n.look.all = true
		case e.App != "":
			n.look.dirty[e.App] = true
		}
	}
	for {
		select {
		case r := <-n.refused:
			n.look.refusals = append(n.look.refusals, r)
			continue
		default:
		}
		return
	}
}

// due lists the apps to look at: those of events, those of appointments, and those of which
// something stands.
func (n *Notifier) due(now time.Time) []name.App {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &n.look
	if l.all || !now.Before(l.sweep) {
		for _, app := range n.config.Engine.Apps() {
			l.dirty[app] = true
		}
		for app := range n.ledger.apps {
			l.dirty[app] = true
		}
		if l.all = false; !now.Before(l.sweep) {
			l.sweep = now.Add(sweep)
		}
	}
	for app, at := range l.again {
		if !now.Before(at) {
			l.dirty[app] = true
		}
	}
	l.stands = false
	for app, state := range n.ledger.apps {
		if len(state.Open) == 0 {
			continue
		}
		l.stands = true
		if _, appointed := l.again[app]; !appointed {
			l.dirty[app] = true
		}
	}
	return slices.Sorted(maps.Keys(l.dirty))
}

// taking is one look at everything that may have changed.
type taking struct {
	notifier *Notifier
	ctx      context.Context
	now      time.Time
	change   *change
	news     []News
	apps     []name.App // of the change, and those without news
	next     time.Duration
	atWork   map[string]bool // pushes
	explains int
}

func (t *taking) soon(wait time.Duration) { t.next = min(t.next, max(wait, 0)) }

// app looks at an app.
func (t *taking) app(app name.App) {
	n := t.notifier
	n.mu.Lock()
	was, known := n.ledger.apps[app]
	begun := n.ledger.begun
	n.mu.Unlock()
	was.first = n.look.first[app]
	saw, err := t.see(app, was, begun)
	if err != nil {
		n.config.Log.WithField("app", app).Warnf("notify: read the records: %v", err)
		t.later(app, glance)
		return
	}
	d := decide(was, saw, begun, t.now)
	if t.explains < maxExplained && begins(d.news, rules.AppFailing) {
		t.explains++
		n.config.Engine.Explain(t.ctx, &saw.status)
		d = decide(was, saw, begun, t.now)
	}
	if wait := t.postponed(d.news); wait > 0 {
		t.later(app, wait)
		return
	}
	n.look.first[app] = d.state.first
	if len(d.state.first) == 0 {
		delete(n.look.first, app)
	}
	t.apps = append(t.apps, app)
	if d.again > 0 {
		n.look.again[app] = t.now.Add(d.again)
		t.soon(d.again)
	} else {
		delete(n.look.again, app)
	}
	if len(d.news) > 0 || !known && saw.there || d.state.Deploy != was.Deploy || len(d.state.Open) != len(was.Open) {
		t.news = append(t.news, d.news...)
		if t.change.Apps == nil {
			t.change.Apps = map[name.App]*appState{}
		}
		t.change.Apps[app] = nil
		if saw.there {
			t.change.Apps[app] = &d.state
		}
	}
}

// later looks at an app again after a while, as if now.
func (t *taking) later(app name.App, wait time.Duration) {
	delete(t.notifier.look.dirty, app)
	t.notifier.look.again[app] = t.now.Add(wait)
	t.soon(wait)
}

func begins(news []News, topic rules.Topic) bool {
	return slices.ContainsFunc(news, func(n News) bool { return n.Topic == topic && !n.Ended })
}

// see gathers what is known of an app.
func (t *taking) see(app name.App, was appState, begun time.Time) (saw sight, err error) {
	engine := t.notifier.config.Engine
	if saw.status, saw.there = engine.Status(app); !saw.there {
		return saw, nil
	}
	if s := &saw.status; len(s.Sick)+len(s.Found)+len(s.Fights)+len(was.Open) > 0 {
		saw.seen = engine.Seen(app)
	} else {
		saw.seen = true // and well
	}
	last := saw.status.Last
	switch {
	case last == nil || last.Number <= was.Deploy:
	case last.Number == was.Deploy+1, endedBefore(*last, begun):
		saw.records = []record.Record{*last}
	default:
		newest, err := t.notifier.config.Records(t.ctx, saw.status.Repo, app, last.Number+1, min(last.Number-was.Deploy, maxRecords))
		if err != nil {
			return saw, err
		}
		slices.Reverse(newest)
		saw.records = newest
	}
	return saw, nil
}

// endedBefore reports whether a deploy ended before a time, by a record that has its beginning in
// whole seconds: in case of doubt, it did not.
func endedBefore(r record.Record, at time.Time) bool {
	return r.Started.Add(time.Duration(r.Seconds * float64(time.Second))).Before(at.Truncate(time.Second))
}

// postponed is how long the news of an app have to wait; 0: not at all. Those of a push wait
// until its other apps are done, and others while too many are told.
func (t *taking) postponed(news []News) (wait time.Duration) {
	for i := range news {
		item := &news[i]
		if push, of := cutPush(item.Group); of {
			most := successWaits
			if item.Topic == rules.DeployFailed {
				most = failureWaits
			}
			if t.now.Sub(item.Time) < most && t.isAtWork(push) {
				wait = max(wait, holding)
			}
			continue
		}
		if told := t.notifier.look.recent(item.group(), t.now); len(told) >= burst {
			wait = max(wait, burstWithin-t.now.Sub(told[0]))
		}
	}
	return wait
}

func (t *taking) isAtWork(push string) bool {
	at, known := t.atWork[push]
	if !known {
		at = t.notifier.config.Engine.AtWork(push)
		t.atWork[push] = at
	}
	return at
}

// recent lists when a group was told within burstWithin, oldest first.
func (l *look) recent(group string, now time.Time) []time.Time {
	l.told[group] = slices.DeleteFunc(l.told[group], func(at time.Time) bool { return now.Sub(at) >= burstWithin })
	if len(l.told[group]) == 0 {
		delete(l.told, group)
	}
	return l.told[group]
}

// things looks at clusters, backups and keys.
func (t *taking) things() {
	n := t.notifier
	mirrors, later := mirrorsAway(n.config.Silent(), t.now)
	if later > 0 {
		t.soon(later)
	}
	stand := slices.Concat(clustersAway(n.config.Engine.Outages()), backupFailing(n.config.Backups()), mirrors, keysExpiring(n.config.Rules(), t.now))
	n.mu.Lock()
	defer n.mu.Unlock()
	news, changed, again := decideThings(n.ledger.things, stand, t.now)
	if again > 0 {
		t.soon(again)
	}
	t.news = append(t.news, news...)
	if len(changed) > 0 {
		t.change.Things = changed
	}
}

// sameRefusal is how long a refusal of the same operator on the same branch is not told again.
const sameRefusal = 10 * time.Minute

// refusals makes news of refused pushes.
func (t *taking) refusals() {
	l := &t.notifier.look
	for whose, at := range l.refused {
		if t.now.Sub(at) >= sameRefusal {
			delete(l.refused, whose)
		}
	}
	for _, r := range l.refusals {
		whose := fmt.Sprintf("%s %s %s", r.Operator, r.Repo, r.Branch)
		if _, told := l.refused[whose]; told {
			continue
		}
		l.refused[whose] = t.now
		t.news = append(t.news, News{
			Key: "push-" + r.Push + "." + string(r.Branch) + ".refused", Topic: rules.PushRefused, Repo: string(r.Repo), Branch: string(r.Branch),
			Revision: r.Revision, Operator: r.Operator, Time: r.Time,
			Title: fmt.Sprintf("a push of %s to %s of %s was refused", r.Operator, r.Branch, r.Repo), Detail: shorten(manifest.Clean(r.Reason)),
			Next: "git push -o plan", // which says all
			Page: r.Page,
		})
	}
	l.refusals = nil
}

// finish puts what was found on disk, with the messages that follow.
func (t *taking) finish(current *rules.Notifications) time.Duration {
	n := t.notifier
	n.mu.Lock()
	messages, err := t.decideLocked(current)
	n.mu.Unlock()
	if !n.note(err) {
		for _, app := range t.apps {
			n.look.dirty[app] = true
		}
		return retryDisk
	}
	for _, app := range t.apps {
		delete(n.look.dirty, app)
	}
	groups := map[string]bool{}
	for i := range t.news {
		groups[t.news[i].group()] = true
	}
	for group := range groups {
		n.look.told[group] = append(n.look.told[group], t.now)
	}
	n.ring(messages)
	return t.next
}

// decideLocked makes messages and writes them. Nobody takes a message out of a queue
// meanwhile: news are added to those that wait there.
func (t *taking) decideLocked(current *rules.Notifications) ([]*Message, error) {
	n, now := t.notifier, time.Now()
	messages, told := deal(current, t.news, waitingOf(n.ledger.queues, now), now)
	t.change.Add = messages
	for _, state := range t.change.Apps {
		if state != nil {
			for _, o := range state.Open {
				o.Told = union(o.Told, told[o.Key])
			}
		}
	}
	for _, state := range t.change.Things {
		if state != nil && state.Open != nil {
			state.Open.Told = told[state.Open.Key]
		}
	}
	lost := t.makeRoom(n.ledger.queues)
	if t.change.isEmpty() {
		return nil, nil
	}
	if err := n.commitLocked(t.change); err != nil {
		return messages, err
	}
	for receiver, count := range lost {
		if l := n.lines[receiver]; l != nil {
			l.lost(count)
		}
	}
	return messages, nil
}

// makeRoom drops the oldest messages of queues that are full, and returns how many of each
// receiver's.
func (t *taking) makeRoom(queues map[string][]*Message) (lost map[string]int) {
	adds := map[string]int{}
	lost = map[string]int{}
	for _, m := range t.change.Add {
		if indexOf(queues[m.Receiver], m.ID) < 0 {
			adds[m.Receiver]++
		}
	}
	for receiver, count := range adds {
		for _, m := range overflow(queues[receiver], count) {
			t.change.Done = append(t.change.Done, ref{receiver, m.ID})
			lost[receiver]++
			t.notifier.config.Log.Errorf("notify: message %q to %s is given up: there are more than %d for it", m.ID, receiver, maxQueued)
		}
	}
	return lost
}

// cutPush is the push of a group.
func cutPush(group string) (push string, of bool) { return strings.CutPrefix(group, "push-") }
