package sshd

import (
	"io"
	"sync"
	"time"
)

// maxChunk is the size of one write: as much as x/crypto puts into one packet, so that
// progress is visible packet by packet.
const maxChunk = 32 << 10

// outlet is one of a session's two outputs. It discards everything after the first
// failure. It closes the connection of a client that accepts nothing for
// Config.IdleTimeout, which ends the pending write.
type outlet struct {
	session *Session
	to      io.Writer

	mu      sync.Mutex
	stall   *time.Timer
	cr      bool   // the last byte was CR
	restore string // what shut writes
	closed  bool   // by shut
}

// Write always returns len(p), nil.
func (o *outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for rest := p; len(rest) > 0 && !o.closed && !o.session.isGone(); {
		n := min(len(rest), maxChunk)
		if err := o.send(rest[:n]); err != nil {
			o.session.setGone()
		}
		rest = rest[n:]
	}
	return len(p), nil
}

func (o *outlet) send(p []byte) error {
	if o.session.terminal.there {
		p = o.lines(p)
	}
	limit := o.session.conn.config.IdleTimeout
	if o.stall == nil {
		o.stall = time.AfterFunc(limit, o.stalled)
	} else {
		o.stall.Reset(limit)
	}
	defer o.stall.Stop()
	_, err := o.to.Write(p)
	return err
}

func (o *outlet) stalled() {
	o.session.conn.closeBecause("took no output for " + o.session.conn.config.IdleTimeout.String())
}

// lines adds to each LF the CR that a raw terminal needs.
func (o *outlet) lines(p []byte) []byte {
	out := make([]byte, 0, len(p)+16)
	for _, b := range p {
		if b == '\n' && !o.cr {
			out = append(out, '\r')
		}
		o.cr = b == '\r'
		out = append(out, b)
	}
	return out
}

// shut discards what is written from now on. Before, it brings a terminal back from the
// screen of a handler that has called Session.Restore.
func (o *outlet) shut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed && o.restore != "" && !o.session.isGone() {
		_ = o.send([]byte(o.restore)) // a client that is gone needs none
	}
	o.closed = true
}

// Restore has a text written to the terminal if the session is ended by anybody but its
// handler, before the reason is. A handler that draws all of the screen sets it to what
// gives the user's own back, and to "" when it has done so itself.
func (s *Session) Restore(text string) {
	s.stdout.mu.Lock()
	defer s.stdout.mu.Unlock()
	s.stdout.restore = text
}
