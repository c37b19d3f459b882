package event

import (
	"context"
	"errors"
	"testing"
)

func TestBusRemembersTheNewest(t *testing.T) {
	b := New(2)
	for _, text := range []string{"one", "two", "three"} {
		b.Publish(Event{Kind: Deploy, Text: text})
	}
	events, more := b.Since(0)
	if len(events) != 2 || events[0].Text != "two" || events[1].Number != 3 || events[1].Time.IsZero() {
		t.Fatalf("remembered are %+v", events)
	}
	if events, _ := b.Since(3); len(events) != 0 {
		t.Errorf("after the last one come %+v", events)
	}
	b.Publish(Event{Text: "four"})
	select {
	case <-more:
	default:
		t.Error("a new event wakes nobody")
	}
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
