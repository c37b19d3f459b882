package apply

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/live"
)

// Hooks remembers how the hooks of an app were last, also when they are
// gone: a Job may be deleted by its own time limit a moment after its end. No
// other lock is taken under its lock.
type Hooks struct {
	changed chan struct{} // holds one signal while there is news

	mu   sync.Mutex
	last map[types.UID]seenHook
}

type seenHook struct {
	entry live.Entry
	gone  bool
}

// NewHooks has seen nothing yet.
func NewHooks() *Hooks {
	return &Hooks{changed: make(chan struct{}, 1), last: map[types.UID]seenHook{}}
}

// reset forgets everything from before a deploy.
func (s *Hooks) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.last)
}

// See takes up an event of the index.
func (s *Hooks) See(event live.Event) {
	s.mu.Lock()
	seen := s.last[event.Entry.UID]
	if !event.Entry.Terminating {
		seen.entry = event.Entry
	}
	seen.gone = event.Deleted
	s.last[event.Entry.UID] = seen
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// of returns the newest that is known of a hook, and whether it is gone.
func (s *Hooks) of(entry live.Entry) (now live.Entry, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, ok := s.last[entry.UID]
	if !ok {
		return entry, false
	}
	if seen.entry.UID == "" { // it was only seen going
		return entry, seen.gone
	}
	return seen.entry, seen.gone
}
