package live

import "sync"

// tasks are the goroutines of an index. The zero value has none.
type tasks struct {
	mu     sync.Mutex
	closed bool
	going  sync.WaitGroup
}

// begin runs f on a goroutine that wait waits for. It reports false, and runs nothing,
// once wait was called.
func (t *tasks) begin(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.going.Go(f)
	}
	return !t.closed
}

// wait has no goroutine begin any more, and returns when none goes on.
func (t *tasks) wait() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.going.Wait()
}
