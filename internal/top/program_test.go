package top

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
)

// fake is a Source whose answers a test sets, and a terminal of 80 x 24.
type fake struct {
	t     *testing.T
	keys  *io.PipeWriter
	moved chan struct{}
	size  chan struct{}

	mu      sync.Mutex
	apps    []App
	columns int
	raw     bytes.Buffer
	drawn   chan struct{} // closed and replaced at each write
	ran     [][]string
	faults  int
}

func newFake(t *testing.T) (*fake, Screen) {
	f := &fake{t: t, apps: theApps(), columns: 80, moved: make(chan struct{}, 1), size: make(chan struct{}, 1), drawn: make(chan struct{})}
	from, to := io.Pipe()
	f.keys = to
	return f, Screen{
		Out: f, Keys: from, Term: "xterm-256color", Resized: f.size, Moved: f.moved,
		Size:  func() (int, int) { f.mu.Lock(); defer f.mu.Unlock(); return f.columns, 24 },
		Fault: func(any, []byte) { f.mu.Lock(); defer f.mu.Unlock(); f.faults++ },
	}
}

func (f *fake) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.raw.Write(p)
	close(f.drawn)
	f.drawn = make(chan struct{})
	return len(p), nil
}

func (f *fake) Apps(context.Context) []App { f.mu.Lock(); defer f.mu.Unlock(); return f.apps }

func (f *fake) App(_ context.Context, name string, _ bool) (Detail, bool) {
	if name == "wiki" {
		panic("a fault")
	}
	d := theDetail()
	d.Running = "blog-8"
	return d, name == "blog"
}

func (f *fake) Ask(_ context.Context, verb, app, _ string) Question {
	return Question{Verb: verb, App: app, Title: "Sync", Says: "It is deployed.", Words: []string{"sync", app}}
}

// Run runs until its end for a verb that follows.
func (f *fake) Run(ctx context.Context, words []string, tell func(line string)) bool {
	f.mu.Lock()
	f.ran = append(f.ran, words)
	f.mu.Unlock()
	tell("running " + strings.Join(words, " ") + "\x1b[2J")
	if words[0] == "logs" {
		<-ctx.Done()
	}
	return false
}

// awaited is how long a picture may take on a very busy machine.
const awaited = 2 * time.Minute

// until waits until the screen has a text.
func (f *fake) until(text string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), awaited)
	defer cancel()
	for {
		f.mu.Lock()
		shown, raw, more := f.shownLocked(), f.raw.String(), f.drawn
		f.mu.Unlock()
		if strings.Contains(shown, text) {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			f.t.Fatalf("no %q on the screen:\n%s\n%q", text, shown, raw)
		}
	}
}

func (f *fake) shownLocked() string {
	emulator := vt.NewEmulator(f.columns, 24)
	defer emulator.Close()
	text := strings.ReplaceAll(strings.ReplaceAll(f.raw.String(), "\r\n", "\n"), "\n", "\r\n") // as sessions write it
	_, _ = emulator.Write([]byte(text))                                                        // it never fails
	return emulator.String()
}

func (f *fake) press(keys string) {
	f.t.Helper()
	if _, err := io.WriteString(f.keys, keys); err != nil {
		f.t.Error(err)
	}
}

// run runs the program in the background; ended has its error.
func run(ctx context.Context, screen Screen, f *fake) (ended chan error) {
	ended = make(chan error, 1)
	go func() { ended <- Run(ctx, Look{Fill: fill}, screen, f) }()
	return ended
}

// TestProgram has a terminal show what happens, answer keys, follow its size, and be as it was
// in the end.
func TestProgram(t *testing.T) {
	f, screen := newFake(t)
	ended := run(t.Context(), screen, f)
	f.until("> blog")
	f.mu.Lock()
	f.apps = f.apps[2:]
	f.mu.Unlock()
	f.moved <- struct{}{}
	f.until("2 apps, 1 deploying")

	f.mu.Lock()
	f.apps = theApps()
	f.columns = 60
	f.mu.Unlock()
	f.size <- struct{}{}
	f.until("2 apps, 1 deploying         wrong first")
	f.moved <- struct{}{}
	f.until("> blog")
	f.press("s")
	f.until("It is deployed.")
	f.press("y")
	f.until(`running logs -f blog-8\x1b[2J`)
	f.press("\x1b")
	f.until("> blog")
	f.press("\x1b[Bq")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	raw := f.raw.String()
	for _, pair := range [][2]string{{"\x1b[?1049h", "\x1b[?1049l"}, {"\x1b[?25l", "\x1b[?25h"}, {"\x1b[?2004h", "\x1b[?2004l"}} {
		if begins, ends := strings.LastIndex(raw, pair[0]), strings.LastIndex(raw, pair[1]); begins < 0 || ends < begins {
			t.Errorf("%q is at %d, %q at %d", pair[0], begins, pair[1], ends)
		}
		if !strings.Contains(Restore, pair[1]) {
			t.Errorf("Restore does not have %q", pair[1])
		}
	}
	if strings.Contains(raw, "\x1b[2J\x1b") || strings.Contains(raw, "\x1b[?u") || strings.Contains(raw, "$p") {
		t.Errorf("the terminal is asked something, or told what a verb has said: %q", raw)
	}
}

// TestProgramEnds: with its context, and by a fault of the server; the keyboard is given back,
// and no goroutine stays, also when the terminal takes nothing more.
func TestProgramEnds(t *testing.T) {
	f, screen := newFake(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := run(ctx, screen, f)
	f.until("> blog")
	why := errors.New("the server stops")
	cancel(why)
	if err := <-ended; !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
	if _, err := f.keys.Write([]byte("q")); err == nil {
		t.Error("the keyboard is still read")
	}

	f, screen = newFake(t)
	ended = run(t.Context(), screen, f)
	f.until("> blog")
	f.press("G\r") // wiki
	if err := <-ended; !errors.Is(err, errFault) {
		t.Errorf("got %v", err)
	}
	if f.faults != 1 {
		t.Errorf("%d faults are reported", f.faults)
	}

	f, screen = newFake(t)
	ended = run(t.Context(), screen, f)
	f.until("> blog")
	tooMuch := errors.New("too much")
	_ = f.keys.CloseWithError(tooMuch) // it returns none
	if err := <-ended; !errors.Is(err, tooMuch) {
		t.Errorf("got %v", err)
	}
}

// TestPassageKeepsTheLastLines, and does not wait for who takes them.
func TestPassageKeepsTheLastLines(t *testing.T) {
	p := passage{more: make(chan struct{}, 1)}
	for range maxLines + 7 {
		p.tell("x")
	}
	p.tell(strings.Repeat("y", 2*maxLine))
	lines, skipped := p.take()
	if len(lines) != maxLines || skipped != 8 || len(lines[maxLines-1]) > maxLine+10 {
		t.Errorf("%d lines, %d skipped, the last has %d bytes", len(lines), skipped, len(lines[maxLines-1]))
	}
	if lines, skipped = p.take(); len(lines)+skipped != 0 {
		t.Error("they are taken twice")
	}
}

func TestBegunDeploy(t *testing.T) {
	for _, test := range []struct {
		running, newest, said, want string
	}{
		{"shop-3", "shop-2", "shop: deploying as shop-3", "shop-3"},
		{"", "shop-3", "shop: deploying as shop-3", "shop-3"},
		{"", "shop-3", "shop: deploying as shop-2", ""},
		{"", "", "shop: deploying as ", ""},
		{"", "shop-3", "shop: unchanged", ""},
	} {
		d := Detail{App: App{Name: "shop", Running: test.running, Newest: test.newest}}
		if got := begun(d, []string{"a plan", test.said}); got != test.want {
			t.Errorf("%+v: got %q", test, got)
		}
	}
}
