package deploy

import (
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/record"
)

// suspension keeps an app from being deployed and corrected, until its time is over or
// an operator ends it. No other lock but that of timers is taken under its lock.
type suspension struct {
	timers *timers
	over   func(*record.Suspension) // called under no lock when the time is over; it has to call expire

	mu     sync.Mutex
	now    *record.Suspension // nil: the app is not suspended
	cancel func()             // the alarm that is set for the end of the time; nil if there is none
}

// newSuspension makes the suspension of an app that is not suspended. When the time of
// one is over, over is called with it.
func newSuspension(timers *timers, over func(*record.Suspension)) *suspension {
	return &suspension{timers: timers, over: over}
}

// current returns the current suspension; nil for none.
func (s *suspension) current() *record.Suspension {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// set suspends the app, in place of an earlier suspension, or not at all with nil.
func (s *suspension) set(to *record.Suspension) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setLocked(to)
}

func (s *suspension) setLocked(to *record.Suspension) {
	s.now = to
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
	if to != nil && !to.Until.IsZero() {
		s.cancel = s.timers.after(max(time.Until(to.Until), 0), func() { s.over(to) })
	}
}

// end ends the suspension, whichever it is, and reports whether there was one.
func (s *suspension) end() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	suspended := s.now != nil
	s.setLocked(nil)
	return suspended
}

// expire ends a suspension whose time is over, unless somebody has ended or replaced it
// meanwhile. It reports whether it did.
func (s *suspension) expire(over *record.Suspension) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != over {
		return false
	}
	s.setLocked(nil)
	return true
}
