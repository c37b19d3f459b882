package mirrortest

import (
	"io"
	"net/http"
	"sync"
)

// Held stops what an upstream sends in the middle.
type Held struct {
	// Reached is closed when something is stopped.
	Reached <-chan struct{}

	after    int
	reached  func()
	released chan struct{}
	release  func()
}

// Hold has the upstream stop in each answer that begins from now on once it has sent so many bytes,
// until Release.
func (u *Upstream) Hold(after int) *Held {
	reached, released := make(chan struct{}), make(chan struct{})
	h := &Held{
		Reached: reached, after: after, released: released,
		reached: sync.OnceFunc(func() { close(reached) }), release: sync.OnceFunc(func() { close(released) }),
	}
	u.held.Store(h)
	return h
}

// Release has the upstream go on.
func (h *Held) Release() { h.release() }

// heldWriter is one answer. A nil Held stops nothing.
type heldWriter struct {
	to   io.Writer
	held *Held
	sent int
}

// Write writes, or waits.
func (w *heldWriter) Write(b []byte) (int, error) {
	w.sent += len(b)
	if w.held != nil && w.sent > w.held.after {
		w.held.reached()
		<-w.held.released
	}
	return w.to.Write(b)
}

// heldResponse is likewise, by HTTP.
type heldResponse struct {
	http.ResponseWriter
	held *heldWriter
}

func hold(w http.ResponseWriter, held *Held) *heldResponse {
	return &heldResponse{w, &heldWriter{to: w, held: held}}
}

// Write writes, or waits.
func (w *heldResponse) Write(b []byte) (int, error) { return w.held.Write(b) }
