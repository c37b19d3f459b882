package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// DefaultChildren is the default maximum number of children: with the memory limit of
// each (see DefaultLimits), 4 GiB together.
const DefaultChildren = 4

// maxWait bounds how long a session waits for its turn.
const maxWait = 2 * time.Minute

// ErrBusy says that no child became free within maxWait.
var ErrBusy = errors.New("all renderers are busy")

// queue gives out turns. A free turn goes to the owner who has the fewest, and among
// those to the one who has waited longest: an owner who asks for many turns delays only
// itself.
type queue struct {
	mu      sync.Mutex
	most    int
	taken   map[string]int // turns by owner; owners without a turn are not in it
	waiters []*waiter      // in order of arrival
}

type waiter struct {
	owner string
	turn  chan struct{} // closed when its turn comes
}

// Wait describes a wait for a turn.
type Wait struct {
	Ahead    int // others who came before
	Children int // that are at work, which is the maximum
}

// String is a line for the user who waits.
func (w Wait) String() string {
	line := fmt.Sprintf("waiting for a renderer: all %d are at work", w.Children)
	if w.Ahead > 0 {
		line += fmt.Sprintf(", and %d others wait", w.Ahead)
	}
	return line
}

// running returns the number of taken turns.
func (q *queue) running() int {
	n := 0
	for _, taken := range q.taken {
		n += taken
	}
	return n
}

// load returns the numbers of taken turns and of waiters.
func (q *queue) load() (taken, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running(), len(q.waiters)
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

// giveUp removes a waiter, who may have got a turn meanwhile.
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

// free passes a turn of an owner on to the next; q.mu is held.
func (q *queue) free(owner string) {
	if q.taken[owner]--; q.taken[owner] <= 0 {
		delete(q.taken, owner)
	}
	q.wake()
}

// bound sets the number of turns. Taken turns stay.
func (q *queue) bound(most int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.most = most
	q.wake()
}

// wake gives free turns to those who are next; q.mu is held.
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
