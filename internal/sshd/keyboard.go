package sshd

import (
	"errors"
	"io"
	"sync"
)

// keyboard is what the user types at a terminal. There is no line discipline here: the
// client has put its own terminal into raw mode, so each key arrives as its bytes.
type keyboard struct {
	mu   sync.Mutex
	to   *io.PipeWriter // takes the keys; nil: nobody reads them
	left int            // bytes that it may still take
}

// errManyKeys ends the reading of a keyboard.
var errManyKeys = errors.New("too much was typed in one session")

// take passes bytes to whoever reads the keys. ok is false if nobody does.
func (k *keyboard) take(keys []byte) (ok bool) {
	k.mu.Lock()
	to := k.to
	k.left -= len(keys)
	full := k.left < 0
	k.mu.Unlock()
	if to == nil {
		return false
	}
	if full {
		_ = to.CloseWithError(errManyKeys) // it returns none
		return true
	}
	_, err := to.Write(keys) // it waits for the reader, and the client with it
	return err == nil
}

// close says that no key follows.
func (k *keyboard) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.to != nil {
		_ = k.to.Close() // it returns none
	}
}

// Keys returns what is typed at the terminal from now on, also Ctrl-C, which ends nothing by
// itself then. Of more than most bytes, the reader has an error. It is io.EOF when no key can
// follow, which says nothing of the client's screen. Close gives the keyboard back, and ends a
// read that waits.
func (s *Session) Keys(most int) io.ReadCloser {
	from, to := io.Pipe()
	k := &s.keyboard
	k.mu.Lock()
	defer k.mu.Unlock()
	k.to, k.left = to, most
	return taken{from, k}
}

// taken is a keyboard whose keys are read.
type taken struct {
	*io.PipeReader
	of *keyboard
}

// Close gives the keyboard back.
func (t taken) Close() error {
	t.of.mu.Lock()
	t.of.to = nil
	t.of.mu.Unlock()
	return t.PipeReader.Close()
}

// watchKeyboard is for commands with a terminal. Where nobody reads the keys, Ctrl-C and
// Ctrl-D end the session.
func (s *Session) watchKeyboard() {
	defer s.conn.contain("keyboard")
	defer s.keyboard.close()
	const ctrlC, ctrlD = 3, 4
	var buf [64]byte
	for {
		n, err := s.channel.Read(buf[:])
		if n > 0 && !s.keyboard.take(buf[:n]) {
			for _, key := range buf[:n] {
				if key == ctrlC || key == ctrlD {
					s.setGone()
				}
			}
		}
		if err != nil {
			return
		}
	}
}
