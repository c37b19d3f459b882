package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func newQueue(most int) *queue { return &queue{most: most, taken: map[string]int{}} }

// wait makes an owner take a turn in the background, and returns once the owner waits for
// it.
func wait(t *testing.T, q *queue, owner string, got chan<- string) Wait {
	t.Helper()
	waits := make(chan Wait, 1)
	go func() {
		if err := q.take(context.Background(), owner, func(w Wait) { waits <- w }); err == nil {
			got <- owner
		}
	}()
	select {
	case w := <-waits:
		return w
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s does not wait", owner)
	}
	return Wait{}
}

// TestTurnsAreSharedFairly: an owner that asks for many turns delays only itself. A free
// turn goes to the owner with the fewest turns, and among several of these to the first.
func TestTurnsAreSharedFairly(t *testing.T) {
	q := newQueue(2)
	for range 2 {
		if err := q.take(context.Background(), "ana", nil); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan string)
	for i, owner := range []string{"ana", "ana", "ben", "cleo", "ben"} {
		if w := wait(t, q, owner, got); w.Ahead != i || w.Children != 2 {
			t.Errorf("%s gets the report %+v", owner, w)
		}
	}
	// Of ana's two turns, the first goes to ben, who has none. Then ana has as few as cleo,
	// and came before. Her other turn waits until all have had theirs.
	var order []string
	for _, gone := range []string{"ana", "ana", "ben", "cleo", "ana"} {
		q.release(gone)
		order = append(order, <-got)
	}
	if is := strings.Join(order, " "); is != "ben ana cleo ben ana" {
		t.Errorf("turns went to %s", is)
	}
}

// TestTurnsChangeInNumber: new turns go to waiters, and a lower number takes no turn away.
func TestTurnsChangeInNumber(t *testing.T) {
	q := newQueue(1)
	if err := q.take(context.Background(), "ana", nil); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	wait(t, q, "ben", got)
	wait(t, q, "cleo", got)
	q.bound(2)
	if first := <-got; first != "ben" {
		t.Errorf("the second turn went to %s", first)
	}
	q.bound(1)
	q.release("ana")
	if !q.full() {
		t.Error("with one turn for all, a free turn is left beside ben's")
	}
	q.release("ben")
	if next := <-got; next != "cleo" {
		t.Errorf("the turn went to %s", next)
	}
}

func TestWhoLeavesHoldsNoTurn(t *testing.T) {
	q := newQueue(1)
	if err := q.take(context.Background(), "ana", nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	gone := errors.New("gone")
	err := q.take(ctx, "ben", func(Wait) { cancel(gone) })
	if !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	q.release("ana")
	// A waiter that leaves at the moment when it gets its turn gives the turn back.
	given := &waiter{owner: "cleo", turn: make(chan struct{})}
	q.taken["cleo"]++
	q.giveUp(given)
	if err := q.take(context.Background(), "dora", func(Wait) { t.Error("dora still waits") }); err != nil {
		t.Error(err)
	}
	if len(q.waiters) != 0 || q.running() != 1 {
		t.Errorf("%d wait, %d run", len(q.waiters), q.running())
	}
}

func TestWaitSaysHowManyAreAhead(t *testing.T) {
	for w, want := range map[Wait]string{
		{Children: 4}:           "waiting for a renderer: all 4 are at work",
		{Children: 4, Ahead: 2}: "waiting for a renderer: all 4 are at work, and 2 others wait",
	} {
		if got := fmt.Sprint(w); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestPoolBoundsItsChildren: all sessions together have no more children than the pool
// allows, including the warm one.
func TestPoolBoundsItsChildren(t *testing.T) {
	pool := newPool(t)
	pool.Bound(1)
	first := pool.Session("", nil)
	do(t, first, "pid")
	pool.Warm()
	if pool.spare != nil || pool.warming != nil {
		t.Error("the pool started a spare child beyond its limit")
	}
	waits, done := make(chan Wait, 1), make(chan error, 1)
	go func() {
		second := pool.Session("ben", func(w Wait) { waits <- w })
		defer second.Close()
		_, err := second.Do(context.Background(), files, []byte("pid"))
		done <- err
	}()
	select {
	case <-waits:
	case err := <-done:
		t.Fatalf("the session did not wait: %v", err)
	}
	first.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
