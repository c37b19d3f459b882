package converge

import (
	"sync"
	"time"
)

// signs counts signs of life: lines that pushers read, servers that start and end. A fault
// is made after a number of them, so that it can come in the middle of any work.
type signs struct {
	mu      sync.Mutex
	seen    int
	changed chan struct{}
}

func newSigns() *signs { return &signs{changed: make(chan struct{})} }

// tell notes one sign.
func (g *signs) tell() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen++
	close(g.changed)
	g.changed = make(chan struct{})
}

// await returns after the given number of further signs, or when the time is over, for
// there may be none.
func (g *signs) await(more int, within time.Duration) {
	late := time.After(within)
	g.mu.Lock()
	due := g.seen + more
	g.mu.Unlock()
	for {
		g.mu.Lock()
		seen, changed := g.seen, g.changed
		g.mu.Unlock()
		if seen >= due {
			return
		}
		select {
		case <-changed:
		case <-late:
			return
		}
	}
}
