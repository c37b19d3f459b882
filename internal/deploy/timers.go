package deploy

import (
	"sync"
	"time"
)

// timers own the engine's delayed work. The zero value has none. Their lock may be
// taken under any other: no function is called under it.
type timers struct {
	mu      sync.Mutex
	stopped bool
	waiting map[*appointment]bool
	due     sync.WaitGroup // functions that wait for their time, or run
}

// appointment is a function that waits for its time. Its timer may be over before it is
// noted here: so nothing is known by its timer.
type appointment struct{ timer *time.Timer }

// after has a function called after a while, on a goroutine of its own, unless cancel is
// called before, or the timers are stopped.
func (t *timers) after(wait time.Duration, do func()) (cancel func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return func() {}
	}
	if t.waiting == nil {
		t.waiting = map[*appointment]bool{}
	}
	t.due.Add(1)
	a := &appointment{}
	t.waiting[a] = true
	a.timer = time.AfterFunc(wait, func() {
		defer t.due.Done()
		if t.take(a) {
			do()
		}
	})
	return func() { t.cancel(a) }
}

// take reports whether an appointment whose time has come still stands, and ends it.
func (t *timers) take(a *appointment) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	waited := t.waiting[a]
	delete(t.waiting, a)
	return waited
}

func (t *timers) cancel(a *appointment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cancelLocked(a)
}

func (t *timers) cancelLocked(a *appointment) {
	if t.waiting[a] && a.timer.Stop() {
		t.due.Done()
	}
	delete(t.waiting, a)
}

// stop cancels pending appointments, and returns when no function runs. No further one
// is accepted.
func (t *timers) stop() {
	t.cancelAll()
	t.due.Wait()
}

func (t *timers) cancelAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	for a := range t.waiting {
		t.cancelLocked(a)
	}
}
