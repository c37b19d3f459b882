package event

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestBusRemembersTheNewest(t *testing.T) {
	b := New(2)
	for _, text := range []string{"one", "two", "three"} {
		b.Publish(Event{Kind: Deploy, Text: text})
	}
	events, more := b.Since(0)
	if len(events) != 2 || events[0].Text != "two" || events[1].Number <= events[0].Number || events[0].Ordinal != 2 || events[1].Ordinal != 3 || events[1].Time.IsZero() {
		t.Fatalf("remembered are %+v", events)
	}
	if events, _ := b.Since(events[1].Number); len(events) != 0 {
		t.Errorf("after the last one come %+v", events)
	}
	b.Publish(Event{Text: "four"})
	select {
	case <-more:
	default:
		t.Error("a new event wakes nobody")
	}
}

// TestNumbersCountNothing: the numbers of two events say nothing of how many are between them,
// and grow also where the clock stands still, or goes back.
func TestNumbersCountNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(10)
		numbers := func() (list []uint64) {
			events, _ := b.Since(0)
			for _, e := range events {
				list = append(list, e.Number)
			}
			return list
		}
		b.Publish(Event{})
		b.Publish(Event{Time: time.Unix(1, 0)}) // at the same time, and about an earlier one
		<-time.After(time.Second)
		b.Publish(Event{})
		now := uint64(time.Now().UnixMicro())
		if want := []uint64{now - 1e6, now - 1e6 + 1, now}; !slices.Equal(numbers(), want) {
			t.Errorf("the numbers are %d, want %d", numbers(), want)
		}
		b.last = now + 5 // the clock was put back
		if b.Publish(Event{}); numbers()[3] != now+6 {
			t.Errorf("the numbers are %d", numbers())
		}
	})
}

func TestFollow(t *testing.T) {
	b := New(10)
	b.Publish(Event{Text: "before"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard := make(chan string)
	ended := make(chan error)
	go func() {
		ended <- b.Follow(ctx, 0, func(e Event) error {
			heard <- e.Text
			return nil
		})
	}()
	if got := <-heard; got != "before" {
		t.Errorf("heard %q first", got)
	}
	b.Publish(Event{Text: "after"})
	if got := <-heard; got != "after" {
		t.Errorf("heard %q then", got)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the wait ended with %v", err)
	}
}

func TestFollowEndsWithItsHearer(t *testing.T) {
	b := New(10)
	b.Publish(Event{})
	gone := errors.New("gone")
	if err := b.Follow(t.Context(), 0, func(Event) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("the wait ended with %v", err)
	}
}
