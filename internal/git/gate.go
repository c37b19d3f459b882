package git

import (
	"fmt"
	"sync"
	"time"
)

// Gate divides a push in two. Until it is judged, the push belongs to its client: Git
// works on the client's bytes, and is ended when the client disconnects, or when it
// exceeds a limit. From then on the push belongs to the server, and comes to its end
// whatever the client does. NewGate makes one, for one push.
type Gate struct {
	mu    sync.Mutex
	state gateState
	cause Cause         // once stopped
	begun chan struct{} // closed when state becomes begun
	lift  func()        // removes Git's limits; see bind
}

type gateState int

const (
	receiving gateState = iota // Git receives objects, and checks them
	begun                      // the push is being judged, or was
	stopped                    // the push was ended before that
)

// NewGate returns the gate of a push that is still being received.
func NewGate() *Gate { return &Gate{begun: make(chan struct{})} }

// Begin notes that the push is being judged: from here on nothing stops Git, and its
// limits are removed. It returns false if Git is already stopped; the caller must then
// refuse the push.
func (g *Gate) Begin() bool {
	lift, open := g.open()
	if lift != nil {
		lift()
	}
	return open
}

// open opens the gate, unless the push was stopped before. The first call returns the
// function that removes Git's limits; nil if there is none.
func (g *Gate) open() (lift func(), open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == receiving {
		g.state, lift = begun, g.lift
		close(g.begun)
	}
	return lift, g.state == begun
}

// bind registers lift to be called when the push is judged, unless the push was stopped
// before.
func (g *Gate) bind(lift func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lift = lift
}

// stop notes that the push ends before its gate. It returns false if the push has
// reached the gate, or was stopped for another cause: then the caller must leave it
// alone.
func (g *Gate) stop(cause Cause) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state != receiving {
		return false
	}
	g.state, g.cause = stopped, cause
	return true
}

// Stopped returns the cause that ended the push before its gate; "" if there is none.
func (g *Gate) Stopped() Cause {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cause
}

// Cause is the reason why Git was stopped before its end.
type Cause string

// The causes.
const (
	ClientGone Cause = "the client is gone"
	OverTime   Cause = "it took too long"                // Bounds.Time
	OverCPU    Cause = "it took too much processor time" // Bounds.CPU
	OverFile   Cause = "it wrote too large a file"       // Bounds.File
)

// StoppedError is Serve's error when Git was stopped.
type StoppedError struct {
	Cause  Cause
	Bounds Bounds
	Waited time.Duration // for the client's next byte, at most; see Bounds.Time
}

func (e *StoppedError) Error() string { return fmt.Sprintf("git was stopped: %s", e.Cause) }
