package command

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// This file keeps callers company who wait. On a terminal, the last line moves: it says for how
// long they wait, for what, and how long it may still take, and gives way to lines that stay.
// Anywhere else, as in a log, there is a line of its own whenever nothing was said for a while.

const (
	// moveEvery is the time between two drawings of the line that moves.
	moveEvery = time.Second
	// quietMost is how long others may see nothing: 5 s, less the way.
	quietMost = 4500 * time.Millisecond
)

// company is somebody's output while they wait. Use call.company.
type company struct {
	to    io.Writer                  // for lines that stay
	line  io.Writer                  // for the line that moves; nil: there is none
	width func() int                 // of the terminal
	says  func(now time.Time) string // how the wait stands, in one line; "": nothing is to be said

	mu    sync.Mutex
	drawn int       // columns of the line that moves, as it stands now
	spoke time.Time // when the last line was written
	ended bool
	timer *time.Timer // runs beat
}

// company begins to keep the caller company, until end is called. Lines that stay go to a
// writer; says may be called at any time until then.
func (c *call) company(to io.Writer, says func(now time.Time) string) *company {
	w := &company{to: to, says: says, spoke: time.Now(), width: func() int { return c.page().width }}
	if c.moves() {
		w.line = c
	}
	w.begin()
	return w
}

// unheard is company for nobody.
func unheard() *company {
	w := &company{to: io.Discard, says: func(time.Time) string { return "" }}
	w.begin()
	return w
}

// moves reports whether the caller has a terminal on which a line can move. It takes no
// colours, so NO_COLOR does not matter.
func (c *call) moves() bool {
	session := c.Session
	if to, ok := session.(addressed); ok {
		session = to.Session
	}
	named, ok := session.(interface{ Term() string })
	return ok && c.Terminal() && named.Term() != "" && !strings.HasPrefix(named.Term(), "dumb")
}

func (w *company) begin() {
	w.mu.Lock() // beat reads the timer
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.every(), w.beat)
}

func (w *company) every() time.Duration {
	if w.line != nil {
		return moveEvery
	}
	return quietMost
}

// tell writes a line that stays.
func (w *company) tell(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tellLocked(line)
}

func (w *company) tellLocked(line string) {
	w.eraseLocked()
	w.spoke = time.Now()
	fmt.Fprintln(w.to, strings.TrimRight(line, "\n"))
}

// end returns when nothing further comes. No line that moves is left.
func (w *company) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.timer.Stop()
	w.eraseLocked()
}

// beat says how the wait stands, and schedules itself again.
func (w *company) beat() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	now := time.Now()
	quiet := now.Sub(w.spoke)
	text, _, _ := strings.Cut(w.says(now), "\n")
	text = manifest.Clean(text)
	switch {
	case w.line != nil:
		w.drawLocked(text)
		quiet = 0
	case quiet >= quietMost:
		if text != "" {
			w.tellLocked(text)
		}
		quiet = 0
	}
	w.timer.Reset(w.every() - quiet)
}

// drawLocked draws the line that moves over itself. It is shorter than the terminal is wide: a
// line that wraps cannot be drawn over.
func (w *company) drawLocked(text string) {
	text = clip(text, max(w.width()-1, 1))
	columns := cellWidth(text)
	_, _ = io.WriteString(w.line, "\r"+text+strings.Repeat(" ", max(w.drawn-columns, 0))) // the session notices a writer that is gone
	w.drawn = columns
}

// eraseLocked takes the line that moves away, and leaves the cursor where it began.
func (w *company) eraseLocked() {
	if w.drawn > 0 {
		_, _ = io.WriteString(w.line, "\r"+strings.Repeat(" ", w.drawn)+"\r")
		w.drawn = 0
	}
}

// attend shows a deploy until it ends.
func (c *call) attend(ctx context.Context, run *deploy.Run) (record.Record, error) {
	if !c.moves() {
		return run.Watch(ctx, c.lines().tell)
	}
	w := c.company(c.lines(), run.Standing)
	defer w.end()
	return run.Attach(ctx, w.tell)
}

// meanwhile keeps the caller company while a function does something, as said. What it tells
// stays. Without a terminal, the company is on the error output: the other is for the result.
func (c *call) meanwhile(doing string, do func(tell func(line string))) {
	began := time.Now()
	to, tell := c.Stderr(), c.lines().tell
	if c.moves() {
		to = c.lines()
	}
	w := c.company(to, func(now time.Time) string { return doing + ": " + manifest.Waited(now.Sub(began)) + " so far" })
	defer w.end()
	if w.line != nil {
		tell = w.tell
	}
	do(tell)
}

// asking is what the gate does, for meanwhile.
const asking = "rendering, and asking its cluster"
