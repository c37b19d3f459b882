package command

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// awaits keeps company on a terminal of a width, or none if that is 0, until do has ended, and
// returns what was written.
func awaits(t *testing.T, width int, says func(now time.Time) string, do func(w *company)) string {
	t.Helper()
	var out strings.Builder
	synctest.Test(t, func(*testing.T) {
		w := &company{to: &out, says: says, spoke: time.Now(), width: func() int { return width }}
		if width > 0 {
			w.line = &out
		}
		w.begin()
		do(w)
		w.end()
		<-time.After(time.Minute)
	})
	return out.String()
}

// TestLineThatMoves: it is drawn over itself, gives way to lines that stay, and is gone at the
// end.
func TestLineThatMoves(t *testing.T) {
	texts := []string{"  waiting  1 s", "  waiting  2 s, for all", "  done", ""}
	says := func(time.Time) (text string) {
		text, texts = texts[0], texts[1:]
		return text
	}
	got := awaits(t, 80, says, func(w *company) {
		<-time.After(2500 * time.Millisecond)
		w.tell("created  x")
		w.tell("created  y\n")
		<-time.After(2 * time.Second)
	})
	want := "\r  waiting  1 s\r  waiting  2 s, for all\r" + strings.Repeat(" ", 23) + "\rcreated  x\ncreated  y\n\r  done\r" + strings.Repeat(" ", 6)
	if got != want {
		t.Errorf("written is\n%q, want\n%q", got, want)
	}
}

// TestLineThatMovesFitsTheTerminal: in cells, and without what others wrote into it.
func TestLineThatMovesFitsTheTerminal(t *testing.T) {
	got := awaits(t, 12, func(time.Time) string { return "for 船船船船船船\x1b[2J\nx" }, func(*company) { <-time.After(1500 * time.Millisecond) })
	for part := range strings.SplitSeq(got, "\r") {
		if cellWidth(part) > 11 {
			t.Errorf("%q is wider than the terminal", part)
		}
	}
	if strings.ContainsAny(got, "\x1b\n") || !strings.Contains(got, "for 船") {
		t.Errorf("written is %q", got)
	}
}

// TestQuietWaits: without a terminal, there is a line whenever nothing was said for a while, and
// nothing that garbles a log.
func TestQuietWaits(t *testing.T) {
	began := time.Time{}
	says := func(now time.Time) string { return "waiting " + now.Sub(began).String() }
	got := awaits(t, 0, says, func(w *company) {
		began = time.Now()
		<-time.After(4 * time.Second)
		w.tell("created  x")
		<-time.After(10 * time.Second)
	})
	if want := "created  x\nwaiting 8.5s\nwaiting 13s\n"; got != want {
		t.Errorf("written is %q, want %q", got, want)
	}
	if got := awaits(t, 0, func(time.Time) string { return "" }, func(*company) { <-time.After(time.Minute) }); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}
