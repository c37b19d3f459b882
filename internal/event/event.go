// Package event has the events of apps and their audience. Whatever changes an app or
// its health publishes one event on the bus; sinks hear it in order.
package event

import (
	"context"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/name"
)

// Kind is the subject of an event.
type Kind string

// The kinds.
const (
	Deploy  Kind = "deploy"  // a deploy, a rollback or a removal has ended
	Drift   Kind = "drift"   // drift was taken back, or found and left
	Health  Kind = "health"  // an object ceased to be healthy after its deploy, or is healthy again
	Suspend Kind = "suspend" // an app was suspended or resumed
	Cluster Kind = "cluster" // a cluster does not answer, or answers again; App and Repo are ""
)

// Event is one thing that happened. No field holds a secret.
type Event struct {
	Number  uint64    `json:"number"` // grows from event to event; see Bus.Publish
	Time    time.Time `json:"time"`
	Kind    Kind      `json:"kind"`
	App     name.App  `json:"app,omitempty"`
	Repo    name.Repo `json:"repository,omitempty"`
	Cluster string    `json:"cluster,omitempty"`
	Object  string    `json:"object,omitempty"` // "Deployment shop/web"; "" for the app as a whole
	Good    bool      `json:"good"`             // nobody need look at it
	Text    string    `json:"text"`             // one line, for people

	Ordinal uint64 `json:"-"` // from 1 since the server's start, without gaps: those who hear all events miss none unnoticed

	Keys []string `json:"-"` // of the objects that it is about, as far as they are known; see manifest.ID.Key
}

// Bus keeps the newest events and wakes its followers. Use New. Its methods may be
// called from several goroutines.
type Bus struct {
	keep int

	mu     sync.Mutex
	last   uint64 // its number
	count  uint64
	recent []Event       // oldest first
	more   chan struct{} // closed and replaced at each event
}

// New makes a bus that remembers as many events as keep says.
func New(keep int) *Bus { return &Bus{keep: keep, more: make(chan struct{})} }

// Publish tells of an event. Its number, its ordinal and, if it has none, its time are filled in. The
// number is of the clock, in microseconds since 1970: who may see some events only must not
// learn from gaps between their numbers how many others there were. It counts on where the
// clock does not.
func (b *Bus) Publish(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now().UTC()
	if e.Time.IsZero() {
		e.Time = now
	}
	b.last = max(b.last+1, uint64(max(now.UnixMicro(), 0)))
	b.count++
	e.Number, e.Ordinal = b.last, b.count
	b.recent = append(b.recent, e)
	if len(b.recent) > b.keep {
		b.recent = append([]Event(nil), b.recent[len(b.recent)-b.keep:]...)
	}
	close(b.more)
	b.more = make(chan struct{})
}

// Since returns the events after a number that are still remembered, oldest
// first, and a channel that is closed at the next one.
func (b *Bus) Since(number uint64) ([]Event, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, e := range b.recent {
		if e.Number > number {
			return append([]Event(nil), b.recent[i:]...), b.more
		}
	}
	return nil, b.more
}

// Follow passes every event after a number to hear, until ctx ends or hear
// returns an error, which it returns. One that is slower than events come misses
// those that are not remembered any more.
func (b *Bus) Follow(ctx context.Context, number uint64, hear func(Event) error) error {
	for {
		events, more := b.Since(number)
		for _, e := range events {
			if err := hear(e); err != nil {
				return err
			}
			number = e.Number
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
