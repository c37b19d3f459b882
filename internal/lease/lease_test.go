package lease

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
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
		t.Errorf("the reported holders are %q", got)
	}
}

// TestCandidatesAwaitTheirTurn checks a candidate's decision for what it has seen.
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
		l := &Lease{
			name: Name{"a", "b"}, try: &candidacy{stopped: make(chan struct{})}, sight: &sight{seen: seen},
			kept: make(chan struct{}), lost: make(chan struct{}),
		}
		go l.keep("mine")
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
		<-l.kept // the watch for the holder has ended
	}
}

func TestTermsEndBeforeOthersTakeTheLease(t *testing.T) {
	if termLength >= leaseDuration {
		t.Fatalf("a term of %s, and others take the lease after %s", termLength, leaseDuration)
	}
	now := time.Now()
	for name, test := range map[string]struct {
		begun []time.Duration // the times before now
		over  bool
	}{
		"never begun":           {nil, true},
		"just renewed":          {[]time.Duration{0}, false},
		"renewed a while ago":   {[]time.Duration{termLength - 1}, false},
		"frozen for too long":   {[]time.Duration{termLength}, true},
		"frozen, then renewed":  {[]time.Duration{time.Hour, time.Second}, false},
		"renewed all the while": {[]time.Duration{4, 2, 0}, false},
	} {
		held := &term{}
		for _, before := range test.begun {
			held.begin(now.Add(-before))
		}
		if got := held.isOver(now); got != test.over {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// written is a lock whose writes succeed, or all fail.
type written struct {
	resourcelock.Interface
	err error
}

func (w written) Identity() string                                                { return "mine" }
func (w written) Create(context.Context, resourcelock.LeaderElectionRecord) error { return w.err }
func (w written) Update(context.Context, resourcelock.LeaderElectionRecord) error { return w.err }

func TestWhatBeginsATerm(t *testing.T) {
	mine, released := resourcelock.LeaderElectionRecord{HolderIdentity: "mine"}, resourcelock.LeaderElectionRecord{}
	for name, test := range map[string]struct {
		do    func(*told) error
		err   error
		holds bool
	}{
		"made":              {func(t *told) error { return t.Create(context.Background(), mine) }, nil, true},
		"renewed":           {func(t *told) error { return t.Update(context.Background(), mine) }, nil, true},
		"released":          {func(t *told) error { return t.Update(context.Background(), released) }, nil, false},
		"could not be made": {func(t *told) error { return t.Create(context.Background(), mine) }, errors.New("away"), false},
		"not renewed":       {func(t *told) error { return t.Update(context.Background(), mine) }, errors.New("away"), false},
	} {
		l := &Lease{name: Name{"a", "b"}, term: &term{}}
		log := logrus.New()
		log.SetOutput(io.Discard)
		if err := test.do(&told{Interface: written{err: test.err}, name: l.name, log: logrus.NewEntry(log), term: l.term}); !errors.Is(err, test.err) {
			t.Errorf("%s: %v", name, err)
		}
		if got := l.Ended(); (got == "") != test.holds {
			t.Errorf("%s: %q", name, got)
		}
	}
	lost := &Lease{why: "another has it", term: &term{}}
	lost.term.begin(time.Now())
	if got := lost.Ended(); got != "another has it" {
		t.Errorf("after the loss was seen: %q", got)
	}
}

// shared is a lock in memory. Like an API server, it refuses a write if its writer has not
// read the latest version.
type shared struct {
	mu      sync.Mutex
	record  resourcelock.LeaderElectionRecord
	version int
	read    int // the version that the candidate has read
}

func (s *shared) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record := s.record
	s.read = s.version
	return &record, []byte(record.HolderIdentity), nil
}

func (s *shared) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return s.Update(ctx, record)
}

func (s *shared) Update(_ context.Context, record resourcelock.LeaderElectionRecord) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read != s.version {
		return errors.New("conflict")
	}
	s.record = record
	s.version++
	s.read = s.version
	return nil
}

// take writes the lock as another candidate.
func (s *shared) take(holder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record = resourcelock.LeaderElectionRecord{HolderIdentity: holder}
	s.version++
}

// holder returns the holder of the lease; "" for none.
func (s *shared) holder() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record.HolderIdentity
}

func (s *shared) RecordEvent(string) {}
func (s *shared) Identity() string   { return "mine" }
func (s *shared) Describe() string   { return "a lock in memory" }

// TestAnothersLeaseIsNotReleased: a server that was frozen ends after another server has
// taken its place, and tries to release the lease.
func TestAnothersLeaseIsNotReleased(t *testing.T) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	for successor, want := range map[string]string{"": "", "other": "other"} {
		lock := &shared{}
		try, err := begin(&told{Interface: lock, log: logrus.NewEntry(log), term: &term{}})
		if err != nil {
			t.Fatal(err)
		}
		<-try.leads
		if successor != "" {
			lock.take(successor)
		}
		try.end()
		if got := lock.holder(); got != want {
			t.Errorf("held by %q, and then by %q, not %q", successor, got, want)
		}
	}
}
