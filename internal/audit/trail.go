package audit

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// Limits bound the files of a trail.
type Limits struct {
	Size int64 // of a file, in bytes, after which the next begins
	Keep int   // how many files are kept
}

// Config has what a trail needs. Every field is required.
type Config struct {
	Data   string // the data directory
	Fence  func() error
	Limits Limits
	Log    *logrus.Entry
}

// Trail writes the audit trail. Several goroutines may use it: lines that are written at
// the same time go to the disk together.
type Trail struct {
	config Config

	mu      sync.Mutex // never held while the disk is waited for
	limits  Limits
	next    *batch
	quotas  *quotas
	stored  state         // of the trail, on disk
	written time.Time     // when the newest line came to the disk; zero: none has since the start
	failing bool          // the last batch could not be written
	advance chan struct{} // closed and replaced when there are new lines

	turn    sync.Mutex // held while a batch is written; mu may be taken under it
	opened  *opened    // nil: not yet, or not after an error
	lost    int        // events that could not be written
	remarks []string   // about the trail, not written yet
	trouble error      // of the last batch

	kick  chan struct{} // there is something to be written soon
	stop  chan struct{}
	ended chan struct{}
	ships fleet
}

// batch is events that go to the disk together.
type batch struct {
	events  []Event
	waited  int  // how many of them somebody waits for
	dropped int  // events for which there was no room
	done    bool // err is known; guarded by Trail.turn
	err     error
}

// maxPending bounds the events that wait for the disk without anybody who waits.
const maxPending = 4096

// soon is how long an event may wait for company that nobody waits for.
const soon = 250 * time.Millisecond

// New makes the trail of a data directory ready. It does not fail: while the disk does
// not take a line, Write refuses, and the server's other work goes on.
func New(config Config) *Trail {
	t := &Trail{
		config: config, limits: config.Limits, next: &batch{}, quotas: newQuotas(), advance: make(chan struct{}),
		kick: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	t.ships.trail = t
	go t.run()
	return t
}

// Bound sets the limits from now on.
func (t *Trail) Bound(limits Limits) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limits = limits
}

// WriteError is of a line that could not be written, and so of a change that is not made.
type WriteError struct{ Err error }

// Error says what is refused and why.
func (e *WriteError) Error() string {
	return fmt.Sprintf("the audit trail cannot be written: %v; nothing is done that is not on it", e.Err)
}

// Hint says whom to tell.
func (e *WriteError) Hint() string { return "tell the server's operator: its disk may be full" }

// Unwrap returns the cause.
func (e *WriteError) Unwrap() error { return e.Err }

// Write writes events, and returns when they are on disk. The change that they are about
// may be made after that, and not with an error, which is a *WriteError.
func (t *Trail) Write(events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	mine := t.add(true, stamped(events, time.Now()))
	t.turn.Lock()
	defer t.turn.Unlock()
	if !mine.done { // nobody has taken it along
		t.flush()
	}
	if mine.err != nil {
		return &WriteError{mine.err}
	}
	return nil
}

// Note has events written soon, or with the next ones that somebody waits for. While the
// disk takes none they are lost, which the trail says later.
func (t *Trail) Note(events ...Event) {
	t.add(false, stamped(events, time.Now()))
	select {
	case t.kick <- struct{}{}:
	default: // it knows already
	}
}

// NoteLimited is Note for an event that its source can cause any number of times. Beyond
// the quota of its kind, events of a source are counted instead, and the last one is
// written with their number when the quota is fresh again.
func (t *Trail) NoteLimited(source string, e Event) {
	now := time.Now()
	t.mu.Lock()
	taken := t.quotas.take(source, stamped([]Event{e}, now)[0], now)
	t.mu.Unlock()
	if taken {
		t.Note(e)
	}
}

// add puts events into the next batch, and returns it.
func (t *Trail) add(waited bool, events []Event) *batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.next
	if waited {
		b.waited += len(events)
	} else if room := maxPending - (len(b.events) - b.waited); len(events) > room {
		b.dropped += len(events) - max(room, 0)
		events = events[:max(room, 0)]
	}
	b.events = append(b.events, events...)
	return b
}

// take takes the batch that is to be written.
func (t *Trail) take() (*batch, Limits) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.next
	t.next = &batch{}
	return b, t.limits
}

// flush writes the next batch. turn is held.
func (t *Trail) flush() {
	b, limits := t.take()
	b.done = true
	if len(b.events)+b.dropped == 0 {
		return
	}
	t.lost += b.dropped
	b.err = t.write(b.events, limits)
	if b.err == nil {
		t.publish()
	} else {
		t.lost += len(b.events) - b.waited
	}
	t.remember(b.err)
}

// write appends to the trail, with the remarks about it before the events.
func (t *Trail) write(events []Event, limits Limits) error {
	if err := t.config.Fence(); err != nil {
		return err
	}
	err := t.append(events, limits)
	if errors.Is(err, errStranger) {
		err = t.append(events, limits) // after another look at the files, which says more
	}
	if err != nil {
		return err
	}
	t.lost, t.remarks = 0, nil
	if err := writeHead(t.opened.root, t.opened.head); err != nil {
		t.config.Log.Warnf("audit: the head of the trail is not kept: %v", err)
	}
	return nil
}

// append opens the trail if need be, and appends. After an error, the next try opens it
// anew.
func (t *Trail) append(events []Event, limits Limits) error {
	if err := t.ready(); err != nil {
		return err
	}
	before := t.opened.number
	if err := t.opened.append(slices.Concat(t.aboutTrail(), events), limits); err != nil {
		t.opened.close()
		t.opened = nil
		return err
	}
	if t.opened.number != before {
		if err := t.opened.forget(limits.Keep); err != nil {
			t.config.Log.Warnf("audit: old files are not deleted: %v", err)
		}
	}
	return nil
}

// ready opens the trail, if it is not open. turn is held.
func (t *Trail) ready() error {
	if t.opened != nil {
		return nil
	}
	o, remarks, err := open(folderOf(t.config.Data))
	if err != nil {
		return err
	}
	t.opened, t.remarks = o, append(t.remarks, remarks...)
	for _, remark := range remarks {
		t.config.Log.Warn("audit: " + remark)
	}
	return nil
}

// aboutTrail are the events that happened to the trail itself and are not written yet.
func (t *Trail) aboutTrail() []Event {
	var events []Event
	for _, remark := range t.remarks {
		events = append(events, Event{Kind: OfTrail, Reason: remark})
	}
	if t.lost > 0 {
		events = append(events, Event{Kind: OfTrail, Reason: "lines could not be written", Count: t.lost})
	}
	return stamped(events, time.Now())
}

// remember logs that the trail cannot be written, and that it can again. turn is held.
func (t *Trail) remember(err error) {
	switch {
	case t.config.Fence() != nil: // the server says so itself
	case err != nil && t.trouble == nil:
		t.config.Log.Errorf("audit: %v: every push and every verb that changes something is refused; corrections of drift go on", err)
	case err == nil && t.trouble != nil:
		t.config.Log.Info("audit: the trail can be written again")
	}
	t.trouble = err
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failing = err != nil
}

// state is the end of the trail, as far as it is on disk.
type state struct {
	number int   // of the newest file
	size   int64 // of its lines
	head   head
}

// publish lets readers see what is on disk. turn is held.
func (t *Trail) publish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stored, t.written = state{t.opened.number, t.opened.size, t.opened.head}, time.Now()
	close(t.advance)
	t.advance = make(chan struct{})
}

// known returns what is on disk, and a channel that is closed when there is more.
func (t *Trail) known() (state, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stored, t.advance
}

// settle writes what waits, and returns what is on disk then.
func (t *Trail) settle() (state, error) {
	t.turn.Lock()
	defer t.turn.Unlock()
	t.flush()
	now, _ := t.known()
	if now.number > 0 {
		return now, nil
	}
	if err := t.ready(); err != nil {
		return now, err
	}
	t.publish()
	now, _ = t.known()
	return now, nil
}

func (t *Trail) flushNow() {
	t.turn.Lock()
	defer t.turn.Unlock()
	t.flush()
}

// sweepEvery is how often the quotas are looked at.
const sweepEvery = 15 * time.Second

// run writes what nobody waits for.
func (t *Trail) run() {
	defer close(t.ended)
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	late := time.NewTimer(soon)
	defer late.Stop()
	for {
		select {
		case <-t.kick:
			late.Reset(soon)
		case <-late.C:
			t.flushNow()
		case now := <-sweep.C:
			t.sweep(now)
		case <-t.stop:
			t.sweep(time.Time{})
			t.flushNow()
			return
		}
	}
}

// sweep notes what the quotas have left out in the time that is over; at the zero time,
// all of it.
func (t *Trail) sweep(now time.Time) {
	t.mu.Lock()
	left := t.quotas.ended(now)
	t.mu.Unlock()
	if len(left) > 0 {
		t.Note(left...)
	}
}

// Close writes what waits, and ends.
func (t *Trail) Close() {
	t.ships.configure(nil)
	close(t.stop)
	<-t.ended
	t.turn.Lock()
	defer t.turn.Unlock()
	if t.opened != nil {
		t.opened.close()
		t.opened = nil
	}
}
