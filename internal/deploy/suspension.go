package deploy

import (
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/record"
)

// suspension keeps an app from being deployed and corrected, until its time is over or
// an operator ends it. No other lock is taken under its lock.
type suspension struct {
	over func(*record.Suspension) // called under no lock when the time is over; it has to call expire

	mu    sync.Mutex
	now   *record.Suspension // nil: the app is not suspended
	alarm *time.Timer        // runs until the time is over; nil if there is no such time
}

// newSuspension makes the suspension of an app that is not suspended. When the time of
// one is over, over is called with it.
func newSuspension(over func(*record.Suspension)) *suspension { return &suspension{over: over} }

// current returns what keeps the app from being deployed; nil for nothing.
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
	if s.alarm != nil {
		s.alarm.Stop()
		s.alarm = nil
	}
	if to != nil && !to.Until.IsZero() {
		s.alarm = time.AfterFunc(max(time.Until(to.Until), 0), func() { s.over(to) })
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
