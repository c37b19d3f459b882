package deploy

import (
	"sync"

	"github.com/pushboat/pushboat/internal/name"
)

// bell tells those who watch the apps that the status of some may have changed: an
// object has changed on its cluster, or its worker has begun or ended work. It carries
// no data, and rings once for all changes since the last look.
type bell struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
	moves     map[*Moves]struct{}
}

// ring tells of apps; "" is none.
func (b *bell) ring(apps ...name.App) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for m := range b.moves {
		m.note(apps)
	}
	b.ringLocked()
}

// ringForAll tells that every app may have moved.
func (b *bell) ringForAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for m := range b.moves {
		m.all = true
	}
	b.ringLocked()
}

func (b *bell) ringLocked() {
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

// Moves collects the apps whose status may be another than when it was asked last. It
// costs what has moved, not what there is.
type Moves struct {
	bell *bell
	apps map[name.App]struct{}
	all  bool
}

// Moves begins to collect.
func (e *Engine) Moves() *Moves {
	m := &Moves{bell: &e.bell, apps: map[name.App]struct{}{}}
	e.bell.mu.Lock()
	defer e.bell.mu.Unlock()
	if e.bell.moves == nil {
		e.bell.moves = map[*Moves]struct{}{}
	}
	e.bell.moves[m] = struct{}{}
	return m
}

// note is called under the lock of the bell.
func (m *Moves) note(apps []name.App) {
	for _, app := range apps {
		if app != "" {
			m.apps[app] = struct{}{}
		}
	}
}

// Take returns the apps that may have moved since the last call; all says that every app
// may have. What clocks do is not told of: a window that opens.
func (m *Moves) Take() (moved []name.App, all bool) {
	m.bell.mu.Lock()
	defer m.bell.mu.Unlock()
	all, m.all = m.all, false
	for app := range m.apps {
		moved = append(moved, app)
	}
	clear(m.apps)
	return moved, all
}

// End ends it.
func (m *Moves) End() {
	m.bell.mu.Lock()
	defer m.bell.mu.Unlock()
	delete(m.bell.moves, m)
}
