package notify

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/notify/reach"
)

// line sends the messages of one receiver, one after the other, and on its own: whoever does
// not answer delays nobody else.
type line struct {
	of       *Notifier
	receiver string
	wake     chan struct{}
	stop     context.CancelFunc
	ended    chan struct{}

	mu    sync.Mutex
	state lineState
	sent  map[string]bool // that could not be taken out of the outbox yet
}

// lineState is how a receiver does.
type lineState struct {
	sent, failed, dropped int
	last                  time.Time // that it took a message
	failures              int       // in a row, of the message that is first
	since                 time.Time // of the first failure after that; zero: there was none
	next                  time.Time // try
	err                   string
}

func newLine(of *Notifier, receiver string) *line {
	ctx, stop := context.WithCancel(context.Background())
	l := &line{of: of, receiver: receiver, wake: make(chan struct{}, 1), stop: stop, ended: make(chan struct{}), sent: map[string]bool{}}
	go l.run(ctx)
	return l
}

// again tries at once, since the receiver may be at another address.
func (l *line) again() {
	l.mu.Lock()
	l.state.next = time.Time{}
	l.mu.Unlock()
	l.ring()
}

// ring has it look for messages.
func (l *line) ring() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *line) run(ctx context.Context) {
	defer close(l.ended)
	for {
		wait := l.turn(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-l.wake:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// idle is how long a line without a message waits for one that wakes it.
const idle = time.Hour

// turn sends what is due, and returns how long there is nothing to do.
func (l *line) turn(ctx context.Context) time.Duration {
	for {
		now := time.Now()
		m, wait := nextOf(l.of.queue(l.receiver), now)
		if m == nil {
			return min(wait, idle)
		}
		l.mu.Lock()
		next, done := l.state.next, l.sent[m.ID]
		l.mu.Unlock()
		switch {
		case done:
			if !l.took(m) {
				return retryDisk
			}
			continue
		case isTooOld(m, now):
			l.drop(m, "it could not be sent for "+maxAge.String())
			continue
		case ctx.Err() != nil:
			return idle
		case next.After(now):
			return next.Sub(now)
		case l.of.config.Fence() != nil:
			return idle // another server sends it
		}
		l.send(ctx, m)
	}
}

// nextOf is the first message that is due; nil, and how long there is none.
func nextOf(queue []*Message, now time.Time) (m *Message, wait time.Duration) {
	wait = idle
	for _, m := range queue {
		if left := m.Due.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		return m, 0
	}
	return nil, wait
}

func isTooOld(m *Message, now time.Time) bool {
	since := m.Decided
	if m.Due.After(since) {
		since = m.Due
	}
	return now.Sub(since) > maxAge
}

// send sends a message, and notes what became of it.
func (l *line) send(ctx context.Context, m *Message) {
	err := l.deliver(ctx, m)
	if err != nil && ctx.Err() != nil {
		return // it may have been taken: the next server sends it again, under the same id
	}
	if err == nil {
		l.mu.Lock()
		if l.state.failures > 0 {
			l.of.config.Log.Infof("notify: %s takes messages again", l.receiver)
		}
		l.state.sent++
		l.state.last, l.state.failures, l.state.since, l.state.next, l.state.err = time.Now(), 0, time.Time{}, time.Time{}, ""
		l.sent[m.ID] = true
		l.mu.Unlock()
		return // took is next
	}
	l.mu.Lock()
	l.state.failed++
	l.state.failures++
	if l.state.since.IsZero() {
		l.state.since = time.Now()
	}
	failures := l.state.failures
	l.state.err = reach.Explain(err)
	why := l.state.err
	wait := waitAfter(failures, err, rand.Float64())
	l.state.next = time.Now().Add(wait)
	l.mu.Unlock()
	if isHopeless(err, failures) {
		l.drop(m, why)
		return
	}
	if failures == 1 {
		l.of.config.Log.Warnf("notify: %s gets no messages: %s; they are kept, and sent later", l.receiver, why)
	}
}

// stopWithin is how long a message that is being sent may take once the server stops: a
// receiver that is asked to forget one halfway would be told twice.
const stopWithin = 5 * time.Second

// deliver sends a message, and goes on for a while when ctx ends.
func (l *line) deliver(ctx context.Context, m *Message) error {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		late := time.NewTimer(stopWithin)
		defer late.Stop()
		select {
		case <-late.C:
			cancel()
		case <-sending.Done():
		}
	})
	defer stop()
	return l.of.deliver(sending, l.receiver, m)
}

// retryDisk is how long to wait for a disk that takes nothing.
const retryDisk = 5 * time.Second

// took takes a message that was sent out of the outbox.
func (l *line) took(m *Message) bool {
	if err := l.of.commit(&change{Done: []ref{{l.receiver, m.ID}}}); err != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.sent, m.ID)
	return true
}

// drop gives a message up.
func (l *line) drop(m *Message, why string) {
	l.of.config.Log.Errorf("notify: message %q to %s is given up: %s", m.ID, l.receiver, why)
	l.mu.Lock()
	l.state.dropped++
	l.state.failures, l.state.err = 0, why
	l.state.next = time.Time{}
	l.sent[m.ID] = true
	l.mu.Unlock()
}

// lost counts messages that its queue had no room for.
func (l *line) lost(messages int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.dropped += messages
}

// How long to wait after a failure.
const (
	leastWait = time.Second
	mostWait  = 5 * time.Minute
)

// waitAfter is how long to wait after so many failures: twice as long each time, give or take a
// fifth, and at least as long as the receiver asks. chance is from 0 to 1.
func waitAfter(failures int, err error, chance float64) time.Duration {
	wait := mostWait
	if failures < 10 {
		wait = min(leastWait<<(failures-1), mostWait)
	}
	wait = time.Duration(float64(wait) * (0.8 + 0.4*chance))
	if answer, ok := errors.AsType[*reach.AnswerError](err); ok {
		wait = max(wait, answer.Wait)
	}
	return wait
}

// hopelessAfter is how often a message is refused before it is given up.
const hopelessAfter = 3

// isHopeless reports whether the receiver refuses this message, and not the server or its
// haste.
func isHopeless(err error, failures int) bool {
	answer, ok := errors.AsType[*reach.AnswerError](err)
	if !ok || failures < hopelessAfter {
		return false
	}
	switch answer.Status {
	case 400, 405, 406, 409, 410, 411, 413, 414, 415, 422, 501, 552, 554: // of HTTP, and of SMTP
		return true
	}
	return false
}

// overflow lists the messages that a queue has no room for: the oldest.
func overflow(queue []*Message, adds int) []*Message {
	return queue[:min(max(len(queue)+adds-maxQueued, 0), len(queue))]
}

// deliver sends a message to a receiver.
func (n *Notifier) deliver(ctx context.Context, receiver string, m *Message) error {
	ctx, cancel := context.WithTimeout(ctx, reach.Within)
	defer cancel()
	current := n.config.Rules().Notifications()
	r := current.Receiver(receiver)
	if r == nil {
		return reach.Setup("there is no such receiver any more")
	}
	settings := n.settings()
	t, err := addresses{n.config.Keys, settings.Files}.of(ctx, r)
	if err != nil {
		return err
	}
	w := wordsOf(m, current, n.config.Fill)
	way := settings.Reach
	switch r.Kind {
	case rules.Webhook:
		return postWebhook(ctx, way.Transport(), t, eventOf(m, w, n.config.Server))
	case rules.Mail:
		return sendMail(ctx, way, t, letterOf(m, w, t, n.config.Server))
	}
	return program{n.config.Program, settings.Outgoing}.send(ctx, way, t, w)
}

func (l *line) snapshot() lineState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// waitingOf are the messages that are not due.
func waitingOf(queues map[string][]*Message, now time.Time) (waiting []*Message) {
	for _, queue := range queues {
		for _, m := range queue {
			if m.Due.After(now) {
				waiting = append(waiting, m)
			}
		}
	}
	return slices.Clip(waiting)
}
