package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// DefaultChildren is how many children there may be at once: with the memory that
// each may take (see DefaultLimits) 4 GiB together.
const DefaultChildren = 4

// maxWait bounds how long a session waits for its turn.
const maxWait = 2 * time.Minute

// ErrBusy says that no child was free for as long as a session may wait.
var ErrBusy = errors.New("all renderers are busy")

// queue gives out turns. One that is free goes to the owner who has the fewest, and
// among those to the one who waits longest: whoever asks for many waits for himself.
type queue struct {
	mu      sync.Mutex
	most    int
	taken   map[string]int // turns, by owner; owners without one are not in it
	waiters []*waiter      // in the order in which they came
}

type waiter struct {
	owner string
	turn  chan struct{} // closed when it is its turn
}

// Wait tells who waits of what.
type Wait struct {
	Ahead    int // others who wait, and came before
	Children int // that are at work, which is all there may be
}

// String is a line for who waits.
func (w Wait) String() string {
	line := fmt.Sprintf("waiting for a renderer: all %d are at work", w.Children)
	if w.Ahead > 0 {
		line += fmt.Sprintf(", and %d others wait", w.Ahead)
	}
	return line
}

// running is how many turns are taken.
func (q *queue) running() int {
	n := 0
	for _, taken := range q.taken {
		n += taken
	}
	return n
}

// full reports whether all turns are taken.
func (q *queue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running() >= q.most
}

// take waits for a turn, which release gives back. told is called once if it has to
// wait; it may be nil.
func (q *queue) take(ctx context.Context, owner string, told func(Wait)) error {
	q.mu.Lock()
	if len(q.waiters) == 0 && q.running() < q.most {
		q.taken[owner]++
		q.mu.Unlock()
		return nil
	}
	w := &waiter{owner: owner, turn: make(chan struct{})}
	wait := Wait{Ahead: len(q.waiters), Children: q.running()}
	q.waiters = append(q.waiters, w)
	q.mu.Unlock()
	if told != nil {
		told(wait)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxWait, fmt.Errorf("%w: none was free within %s", ErrBusy, maxWait))
	defer cancel()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
		q.giveUp(w)
		return context.Cause(ctx)
	}
}

// giveUp takes a waiter out, who may have been given a turn meanwhile.
func (q *queue) giveUp(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiters, w); i >= 0 {
		q.waiters = slices.Delete(q.waiters, i, i+1)
		return
	}
	q.free(w.owner)
}

// release gives a turn back.
func (q *queue) release(owner string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free(owner)
}

// free gives a turn of an owner to who is next; q.mu is held.
func (q *queue) free(owner string) {
	if q.taken[owner]--; q.taken[owner] <= 0 {
		delete(q.taken, owner)
	}
	q.wake()
}

// bound sets how many turns there may be. Those that are taken stay.
func (q *queue) bound(most int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.most = most
	q.wake()
}

// wake gives turns that are free to who is next; q.mu is held.
func (q *queue) wake() {
	for len(q.waiters) > 0 && q.running() < q.most {
		next := 0
		for i, w := range q.waiters {
			if q.taken[w.owner] < q.taken[q.waiters[next].owner] {
				next = i
			}
		}
		w := q.waiters[next]
		q.waiters = slices.Delete(q.waiters, next, next+1)
		q.taken[w.owner]++
		close(w.turn)
	}
}
