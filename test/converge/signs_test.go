package converge

import (
	"sync"
	"time"
)

// signs counts signs of life: lines that pushers see, servers that come and go. So a fault
// can come after any of them, in the middle of whatever is under way.
type signs struct {
	mu      sync.Mutex
	seen    int
	changed chan struct{}
}

func newSigns() *signs { return &signs{changed: make(chan struct{})} }

// tell notes one.
func (g *signs) tell() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen++
	close(g.changed)
	g.changed = make(chan struct{})
}

// await returns after so many more, or after a time in which nothing may have happened.
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
