package lease

import (
	"context"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
)

func TestNames(t *testing.T) {
	for text, ok := range map[string]bool{
		"pushboat-system/pushboat": true, "a/b.c": true,
		"": false, "pushboat": false, "/pushboat": false, "a/": false, "a/b/c": false, "A/b": false, "a/B": false, "a.b/c": false, "../x": false,
	} {
		name, err := ParseName(text)
		if (err == nil) != ok || ok && name.String() != text {
			t.Errorf("%q: %v, %v", text, name, err)
		}
	}
}

func TestWhoHoldsALease(t *testing.T) {
	by := func(identity string) runtime.Object {
		return &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{HolderIdentity: &identity}}
	}
	for name, test := range map[string]struct {
		event watch.Event
		want  holder
		tells bool
	}{
		"held":             {watch.Event{Type: watch.Modified, Object: by("a")}, "a", true},
		"held at first":    {watch.Event{Type: watch.Added, Object: by("a")}, "a", true},
		"released":         {watch.Event{Type: watch.Modified, Object: by("")}, nobody, true},
		"held by nobody":   {watch.Event{Type: watch.Added, Object: &coordinationv1.Lease{}}, nobody, true},
		"deleted":          {watch.Event{Type: watch.Deleted, Object: by("a")}, nobody, true},
		"a bookmark":       {watch.Event{Type: watch.Bookmark, Object: by("a")}, nobody, false},
		"an error":         {watch.Event{Type: watch.Error}, nobody, false},
		"something else's": {watch.Event{Type: watch.Added, Object: &corev1.Pod{}}, nobody, false},
	} {
		if got, tells := holderOf(test.event); got != test.want || tells != test.tells {
			t.Errorf("%s: %q, %v", name, got, tells)
		}
	}
}

func TestNewestHolderIsTold(t *testing.T) {
	seen := make(chan holder, 1)
	for _, by := range []holder{"a", nobody, "b"} {
		replace(seen, by)
	}
	if got := <-seen; got != "b" {
		t.Errorf("told of %q", got)
	}
}

// A candidate's decisions, by what it sees.
func TestCandidatesAwaitTheirTurn(t *testing.T) {
	closed := make(chan struct{})
	close(closed)
	ended, end := context.WithCancel(t.Context())
	end()
	for name, test := range map[string]struct {
		leads chan struct{}
		ctx   context.Context
		seen  []holder
		want  bool
	}{
		"it has the lease":                  {closed, t.Context(), nil, true},
		"it has it, and it was seen free":   {closed, t.Context(), []holder{nobody}, true},
		"the lease is free: ask at once":    {nil, t.Context(), []holder{nobody}, false},
		"the server is to stop":             {nil, ended, nil, false},
		"another holds it, and it is ended": {nil, ended, []holder{"b"}, false},
	} {
		seen := make(chan holder, 1)
		for _, by := range test.seen {
			seen <- by
		}
		try := &candidacy{leads: test.leads}
		if got := try.awaits(test.ctx, seen); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLostLeasesSayWhy(t *testing.T) {
	for want, change := range map[string]func(l *Lease, seen chan<- holder){
		"the lease a/b is held by other":             func(_ *Lease, seen chan<- holder) { seen <- "other" },
		"the lease a/b could not be renewed for 10s": func(l *Lease, _ chan<- holder) { close(l.try.stopped) },
	} {
		seen := make(chan holder)
		l := &Lease{name: Name{"a", "b"}, try: &candidacy{stopped: make(chan struct{})}, lost: make(chan struct{})}
		go l.keep("mine", seen)
		seen <- "mine"
		seen <- nobody
		if l.Why() != "" {
			t.Errorf("lost too early: %s", l.Why())
		}
		change(l, seen)
		<-l.Lost()
		if l.Why() != want {
			t.Errorf("%q, want %q", l.Why(), want)
		}
	}
}
