package deploy

import (
	"sync"
	"time"
)

// timers own what the engine does after a while. The zero value has nothing to do. Their
// lock may be taken under any other: no function is called under it.
type timers struct {
	mu      sync.Mutex
	stopped bool
	waiting map[*time.Timer]bool
	due     sync.WaitGroup // functions that wait for their time, or run
}

// after has a function called after a while, on a goroutine of its own, unless cancel is
// called before, or the timers are stopped.
func (t *timers) after(wait time.Duration, do func()) (cancel func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return func() {}
	}
	if t.waiting == nil {
		t.waiting = map[*time.Timer]bool{}
	}
	t.due.Add(1)
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		defer t.due.Done()
		if t.take(timer) {
			do()
		}
	})
	t.waiting[timer] = true
	return func() { t.cancel(timer) }
}

// take reports whether a timer whose time is over still waited for it, and ends that.
func (t *timers) take(timer *time.Timer) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	waited := t.waiting[timer]
	delete(t.waiting, timer)
	return waited
}

func (t *timers) cancel(timer *time.Timer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cancelLocked(timer)
}

func (t *timers) cancelLocked(timer *time.Timer) {
	if t.waiting[timer] && timer.Stop() {
		t.due.Done()
	}
	delete(t.waiting, timer)
}

// stop cancels what waits, and returns when nothing goes on. Nothing is begun any more.
func (t *timers) stop() {
	t.cancelAll()
	t.due.Wait()
}

func (t *timers) cancelAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	for timer := range t.waiting {
		t.cancelLocked(timer)
	}
}
