package datadir

import (
	"context"
	"sync"
	"time"
)

// Fence keeps a server from doing anything once it has lost its directory. Code that is
// about to change a ref, a record or a cluster calls Check first. It is safe for
// concurrent use.
type Fence struct {
	dir string
	own Epoch

	mu    sync.Mutex
	stale *StaleError   // the reason; nil while the server has its directory
	fell  chan struct{} // closed with it
}

// NewFence returns the fence of the server that has begun an epoch.
func NewFence(dir string, own Epoch) *Fence {
	return &Fence{dir: dir, own: own, fell: make(chan struct{})}
}

// Epoch returns the number of the server's own epoch.
func (f *Fence) Epoch() int64 { return f.own.Number }

// Check returns a *StaleError once another server has the directory, and another error
// while the epoch cannot be read. It reads one small file.
func (f *Fence) Check() error {
	if err := f.Err(); err != nil {
		return err
	}
	found, err := ReadEpoch(f.dir)
	if err != nil {
		return err
	}
	if stale := judge(f.own, found); stale != nil {
		return f.fall(stale)
	}
	return nil
}

// Fall makes the server stale for a reason that the directory does not show.
func (f *Fence) Fall(cause string) { _ = f.fall(&StaleError{Own: f.own, Cause: cause}) }

// fall returns the reason why the server is stale: the first one counts.
func (f *Fence) fall(why *StaleError) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stale == nil {
		f.stale = why
		close(f.fell)
	}
	return f.stale
}

// Fell is closed when the server is stale.
func (f *Fence) Fell() <-chan struct{} { return f.fell }

// Err returns the known reason why the server is stale; nil if it is not.
func (f *Fence) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stale == nil {
		return nil
	}
	return f.stale
}

// watchEvery is how often an idle server checks whether it is stale.
const watchEvery = time.Second

// Watch checks the epoch until ctx ends or the server is stale. While the epoch cannot
// be read, only callers of Check get an error.
func (f *Fence) Watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = f.Check() // closes fell
		case <-f.fell:
			return
		case <-ctx.Done():
			return
		}
	}
}
