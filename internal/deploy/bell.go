package deploy

import "sync"

// bell tells those who watch the apps that the status of one may have changed: an
// object has changed on its cluster, or its worker has begun or ended work. It carries
// no data, and rings once for all changes since the last look.
type bell struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for listener := range b.listeners {
		select {
		case listener <- struct{}{}:
		default: // it has not looked since the last time
		}
	}
}

// Listen returns a channel that receives whenever the status of an app may be another
// than before, and the function that ends that.
func (e *Engine) Listen() (<-chan struct{}, func()) {
	listener := make(chan struct{}, 1)
	e.bell.mu.Lock()
	defer e.bell.mu.Unlock()
	if e.bell.listeners == nil {
		e.bell.listeners = map[chan struct{}]struct{}{}
	}
	e.bell.listeners[listener] = struct{}{}
	return listener, func() {
		e.bell.mu.Lock()
		defer e.bell.mu.Unlock()
		delete(e.bell.listeners, listener)
	}
}
