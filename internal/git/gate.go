package git

import (
	"fmt"
	"sync"
	"time"
)

// Gate parts a push in two. Until somebody judges it, the push is its client's:
// Git works on the client's bytes, and is ended with it, or when it takes too
// much. From then on the push is the server's, and comes to its end whatever
// becomes of the client. NewGate makes one, for one push.
type Gate struct {
	mu    sync.Mutex
	state gateState
	cause Cause         // once stopped
	begun chan struct{} // closed when state is begun
	lift  func()        // takes Git's limits away; see bind
}

type gateState int

const (
	receiving gateState = iota // Git takes in objects, and checks them
	begun                      // the push is judged, or was
	stopped                    // the push was ended before that
)

// NewGate returns the gate of a push that is still received.
func NewGate() *Gate { return &Gate{begun: make(chan struct{})} }

// Begin notes that the push is being judged: nothing stops Git from here on, and its
// limits are taken away. It returns false if Git is stopped already; the push is then
// to be refused.
func (g *Gate) Begin() bool {
	lift, open := g.open()
	if lift != nil {
		lift()
	}
	return open
}

// open opens the gate, if the push has not been stopped before. The first call returns
// the function that takes Git's limits away; nil if there is none.
func (g *Gate) open() (lift func(), open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == receiving {
		g.state, lift = begun, g.lift
		close(g.begun)
	}
	return lift, g.state == begun
}

// bind has lift called when the push is judged, if it has not been stopped before.
func (g *Gate) bind(lift func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lift = lift
}

// stop notes that the push ends before its gate. It returns false if the push has
// come to the gate, or is stopped for another cause: then the caller leaves it.
func (g *Gate) stop(cause Cause) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state != receiving {
		return false
	}
	g.state, g.cause = stopped, cause
	return true
}

// Stopped returns why the push was ended before its gate; "" if it was not.
func (g *Gate) Stopped() Cause {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cause
}

// Cause says why Git was stopped before it came to its end.
type Cause string

// The causes that there are.
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
