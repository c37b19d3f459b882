package datadir

import (
	"context"
	"time"
)

// Fence keeps a server from doing anything once it has lost its directory. Code that is
// about to change a file of the directory, a ref or a cluster calls Check first. It is safe
// for concurrent use.
type Fence struct {
	dir      string
	own      Epoch
	ended    func() string           // why the server's term is over; "" while it lasts
	standing context.Context         // ends when the server is stale
	end      context.CancelCauseFunc // with a *StaleError; the first one counts
}

// NewFence returns the fence of the server that has begun an epoch. ended is asked with
// each check, and says why the server's term is over, as that of a lease; "" while it
// lasts. nil is a term without an end.
func NewFence(dir string, own Epoch, ended func() string) *Fence {
	if ended == nil {
		ended = func() string { return "" }
	}
	f := &Fence{dir: dir, own: own, ended: ended}
	f.standing, f.end = context.WithCancelCause(context.Background())
	return f
}

// Epoch returns the number of the server's own epoch.
func (f *Fence) Epoch() int64 { return f.own.Number }

// Check returns a *StaleError once another server has the directory or this server's term
// is over, and another error while the epoch cannot be read. It reads one small file.
func (f *Fence) Check() error {
	if err := f.Err(); err != nil {
		return err
	}
	if cause := f.ended(); cause != "" {
		f.Fall(cause)
		return f.Err()
	}
	found, err := ReadEpoch(f.dir)
	if err != nil {
		return err
	}
	if stale := judge(f.own, found); stale != nil {
		f.end(stale)
	}
	return f.Err()
}

// Fall makes the server stale for a reason that the directory does not show.
func (f *Fence) Fall(cause string) { f.end(&StaleError{Own: f.own, Cause: cause}) }

// Fell is closed when the server is stale.
func (f *Fence) Fell() <-chan struct{} { return f.standing.Done() }

// Standing ends when the server is stale.
func (f *Fence) Standing() context.Context { return f.standing }

// Err returns the known reason why the server is stale; nil if it is not.
func (f *Fence) Err() error { return context.Cause(f.standing) }

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
			_ = f.Check() // ends standing
		case <-f.standing.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}
