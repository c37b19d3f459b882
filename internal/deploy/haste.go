package deploy

import "sync"

// haste counts what pushers wait for and the server does itself: gates, and deploys but for
// their waits. What can wait a moment, as pages that are open, lets it go first. The zero
// value is at rest.
type haste struct {
	mu   sync.Mutex
	n    int
	rest chan struct{} // closed when n is 0 again; nil while it is
}

// begin counts one, until end is called for the first time.
func (h *haste) begin() (end func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.n++; h.rest == nil {
		h.rest = make(chan struct{})
	}
	return sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.n--; h.n == 0 {
			close(h.rest)
			h.rest = nil
		}
	})
}

// Haste returns a channel that is closed when the server does nothing any more that a pusher
// waits for; nil if it does nothing of the kind now.
func (e *Engine) Haste() <-chan struct{} {
	e.haste.mu.Lock()
	defer e.haste.mu.Unlock()
	return e.haste.rest
}

// hastens reports whether the stage is haste: a part of a deploy that somebody sees, and no
// mere wait for others.
func (at *attempt) hastens() bool {
	switch at.stage {
	case stageQueued, stageDepending, stageGathering, stageSettling:
		return false
	}
	return at.job.run != nil
}

// stepInHaste is step, and counts as haste where it is.
func (at *attempt) stepInHaste() stageEvent {
	if at.hastens() {
		defer at.engine.haste.begin()()
	}
	return at.step()
}
