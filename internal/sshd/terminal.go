package sshd

import (
	"strings"
	"sync/atomic"

	gossh "golang.org/x/crypto/ssh"
)

// maxCells bounds the columns and rows of a client's window, in characters.
const maxCells = 1000

// terminal is the client's terminal, as the client describes it.
type terminal struct {
	there   bool
	name    string // as in TERM
	noColor bool   // NO_COLOR is set (no-color.org)
	columns atomic.Int32
	rows    atomic.Int32
	resized chan struct{} // has a value when the size has changed since the last look
}

// open handles a pty-req.
func (t *terminal) open(payload []byte) {
	var request struct {
		Name                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
	t.there = true
	if gossh.Unmarshal(payload, &request) == nil {
		t.name = request.Name
		t.resize(request.Columns, request.Rows)
	}
}

// change handles a window-change.
func (t *terminal) change(payload []byte) {
	var request struct{ Columns, Rows, Width, Height uint32 }
	if gossh.Unmarshal(payload, &request) == nil {
		t.resize(request.Columns, request.Rows)
	}
}

func (t *terminal) resize(columns, rows uint32) {
	t.columns.Store(int32(min(columns, maxCells)))
	t.rows.Store(int32(min(rows, maxCells)))
	select {
	case t.resized <- struct{}{}:
	default: // the last change has not been looked at yet
	}
}

// setEnv handles NO_COLOR, with any value but an empty one.
func (t *terminal) setEnv(name, value string) bool {
	if name != "NO_COLOR" || len(value) > maxEnvBytes {
		return false
	}
	t.noColor = value != ""
	return true
}

// Size returns the columns and rows of the client's terminal; 0 if it has none, or has
// not reported them.
func (s *Session) Size() (columns, rows int) {
	return int(s.terminal.columns.Load()), int(s.terminal.rows.Load())
}

// Colour reports whether the client's terminal shows colours, and its user wants them.
func (s *Session) Colour() bool {
	t := &s.terminal
	return t.there && !t.noColor && t.name != "" && !strings.HasPrefix(t.name, "dumb")
}

// Resized has a value when the size of the client's window has changed since the last look.
func (s *Session) Resized() <-chan struct{} { return s.terminal.resized }

// Term returns the name of the client's terminal, as in TERM; "" if it has none.
func (s *Session) Term() string { return s.terminal.name }
