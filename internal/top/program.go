package top

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
)

// MaxKeys bounds the bytes that are typed in one session: people type less in a year, and a
// program that floods the screen comes to its end.
const MaxKeys = 1 << 20

// Restore brings a terminal back from the screen: it ends bracketed paste, the alternate
// screen and colours, and shows the cursor.
const Restore = "\x1b[?2004l\x1b[?1049l\x1b[?25h\x1b[0m"

// frames is how often the screen may be drawn in a second. Drawing waits for the terminal:
// for one that is slow, what came meanwhile is one picture.
const frames = 15

// Screen is a user's terminal.
type Screen struct {
	Out     io.Writer
	Keys    io.ReadCloser
	Term    string // as in TERM
	Size    func() (columns, rows int)
	Resized <-chan struct{} // has a value when the size is another
	Moved   <-chan struct{} // has a value when an app may be another
	Fault   func(cause any, stack []byte)
}

// errFault ends the screen when the server has a fault.
var errFault = errors.New("the server has a fault")

// Run shows the screen until the user ends it, or ctx ends, which is an error then. When it
// returns, the terminal is as it was.
func Run(ctx context.Context, look Look, screen Screen, source Source) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	columns, rows := sized(screen.Size())
	model, effects := New(look, Size{columns, rows})
	r := &runner{ctx: ctx, cancel: cancel, source: source, screen: screen}
	profile := colorprofile.ANSI
	if look.Colour == nil {
		profile = colorprofile.Ascii
	}
	// It reads no keys by itself: it would never end a read, nor limit one, and would ask the
	// terminal questions whose answers may come when it has ended.
	program := tea.NewProgram(drawn{model, r}, tea.WithContext(ctx), tea.WithInput(nil), tea.WithOutput(screen.Out),
		tea.WithEnvironment([]string{"TERM=" + screen.Term}), tea.WithColorProfile(profile), tea.WithWindowSize(columns, rows),
		tea.WithFPS(frames), tea.WithoutSignalHandler())
	r.send = program.Send
	r.begin(effects)
	_, err := program.Run()
	cause := context.Cause(ctx)
	cancel(nil)
	_ = screen.Keys.Close() // a read that waits ends
	r.work.Wait()
	switch {
	case cause != nil:
		return cause
	case err != nil:
		return fmt.Errorf("draw the screen: %w", err)
	}
	return nil
}

// sized is a size that is known.
func sized(columns, rows int) (int, int) {
	if columns <= 0 || rows <= 0 {
		return 80, 24
	}
	return columns, rows
}

// drawn has a Model drawn, and its effects performed.
type drawn struct {
	Model
	runner *runner
}

// Init does nothing: the first effects are performed by Run.
func (d drawn) Init() tea.Cmd { return nil }

// Update answers a message.
func (d drawn) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	if size, ok := message.(tea.WindowSizeMsg); ok { // it is for who draws as well
		message = Size{Columns: size.Width, Rows: size.Height}
	}
	model, effects := d.Model.Update(message)
	d.Model = model
	var end tea.Cmd
	for _, effect := range effects {
		if _, quits := effect.(Quit); quits {
			end = tea.Quit
			continue
		}
		d.runner.perform(effect)
	}
	return d, end
}

// View draws the screen.
func (d drawn) View() tea.View {
	view := tea.NewView(d.Model.View())
	view.AltScreen = true
	return view
}

// runner performs effects. Its methods are called by one goroutine at a time.
type runner struct {
	ctx    context.Context // of the one program that it is for
	cancel context.CancelCauseFunc
	source Source
	screen Screen
	send   func(tea.Msg) // returns when the message was taken, or the program has ended
	work   sync.WaitGroup
	stop   context.CancelFunc // ends the verb that is shown; nil: there is none
}

// begin performs the first effects, and tells the program what happens, until ctx ends.
func (r *runner) begin(effects []Effect) {
	for _, effect := range effects {
		r.perform(effect)
	}
	r.do(r.readKeys)
	r.do(func() {
		for {
			select {
			case <-r.screen.Moved:
				r.send(Moved{})
			case <-r.screen.Resized:
				columns, rows := sized(r.screen.Size())
				r.send(tea.WindowSizeMsg{Width: columns, Height: rows})
			case <-r.ctx.Done():
				return
			}
		}
	})
}

// do runs f beside the program, and ends the program if it panics: nobody else would catch
// that.
func (r *runner) do(f func()) {
	r.work.Go(func() {
		defer func() {
			if cause := recover(); cause != nil {
				r.screen.Fault(cause, debug.Stack())
				r.cancel(errFault)
			}
		}()
		f()
	})
}

// perform performs an effect, and returns at once.
func (r *runner) perform(effect Effect) {
	switch e := effect.(type) {
	case ReadApps:
		r.do(func() { r.send(AppsRead{r.source.Apps(r.ctx)}) })
	case ReadApp:
		r.do(func() {
			detail, ok := r.source.App(r.ctx, e.Name, e.Fresh)
			r.send(AppRead{e.Name, detail, ok})
		})
	case Ask:
		r.do(func() { r.send(Asked{r.source.Ask(r.ctx, e.Verb, e.App, e.To)}) })
	case Do:
		r.do(func() { r.send(r.done(e.Question)) })
	case Rest:
		r.do(func() { r.after(e.For, Rested{}) })
	case Age:
		r.do(func() { r.after(e.In, Aged{}) })
	case Start:
		r.end()
		ctx, stop := context.WithCancel(r.ctx)
		r.stop = stop
		r.do(func() { r.follow(ctx, e) })
	case Stop:
		r.end()
	}
}

// end ends the verb that is shown.
func (r *runner) end() {
	if r.stop != nil {
		r.stop()
		r.stop = nil
	}
}

func (r *runner) after(d time.Duration, message any) {
	if pause(r.ctx, d) {
		r.send(message)
	}
}

// pause returns after d; false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// done runs the verb of a question to its end.
func (r *runner) done(q Question) Done {
	var p passage
	failed := r.source.Run(r.ctx, q.Words, p.tell)
	lines, _ := p.take()
	done := Done{Question: q, Failed: failed, Lines: lines}
	if detail, ok := r.source.App(r.ctx, q.App, false); ok {
		done.Running = begun(detail, lines)
	}
	return done
}

// begun is the deploy of an app that goes on, or that a verb has said to have begun; "" for
// none.
func begun(d Detail, said []string) string {
	if d.Running == "" && slices.Contains(said, d.Name+": deploying as "+d.Newest) {
		return d.Newest // it has ended already
	}
	return d.Running
}

// flowRest is the time between two messages with lines of a verb.
const flowRest = 100 * time.Millisecond

// follow runs a verb, and passes its lines on as they come, as fast as they are drawn.
func (r *runner) follow(ctx context.Context, e Start) {
	p := passage{more: make(chan struct{}, 1)}
	ended := make(chan bool, 1)
	r.do(func() {
		defer close(ended)
		ended <- r.source.Run(ctx, e.Words, p.tell)
	})
	for {
		select {
		case <-p.more:
			if lines, skipped := p.take(); len(lines) > 0 {
				r.send(Lines{Number: e.Number, Lines: lines, Skipped: skipped})
			}
			pause(ctx, flowRest)
		case failed := <-ended:
			if lines, skipped := p.take(); len(lines) > 0 {
				r.send(Lines{Number: e.Number, Lines: lines, Skipped: skipped})
			}
			r.send(Ended{Number: e.Number, Failed: failed})
			return
		}
	}
}

// passage holds the lines that a verb has said and that were not taken yet. Of too many, the
// last count.
type passage struct {
	more chan struct{} // has a value when there are some; nil: nobody waits for them

	mu      sync.Mutex
	lines   []string
	skipped int
}

func (p *passage) tell(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(line) > maxLine {
		line = line[:maxLine] + " ..."
	}
	p.lines = append(p.lines, line)
	if len(p.lines) > maxLines {
		p.lines[0] = "" // it is not kept
		p.lines, p.skipped = p.lines[1:], p.skipped+1
	}
	select {
	case p.more <- struct{}{}:
	default: // it is known, or nobody waits
	}
}

func (p *passage) take() (lines []string, skipped int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines, skipped = p.lines, p.skipped
	p.lines, p.skipped = nil, 0
	return lines, skipped
}

// escapeTime is how long an escape waits to be the beginning of a longer key.
const escapeTime = 50 * time.Millisecond

// readKeys passes keys on. Where there are none any more, the screen goes on without.
func (r *runner) readKeys() {
	chunks := make(chan []byte)
	r.do(func() { r.readChunks(chunks) })
	var d decoder
	timer := time.NewTimer(escapeTime)
	defer timer.Stop()
	for {
		var messages []any
		select {
		case chunk := <-chunks:
			messages = d.feed(chunk, false)
			timer.Reset(escapeTime)
		case <-timer.C:
			if d.waiting() {
				messages = d.feed(nil, true)
			}
		case <-r.ctx.Done():
			return
		}
		for _, message := range messages {
			r.send(message)
		}
	}
}

// readChunks passes the bytes of the keyboard on, until there are no more.
func (r *runner) readChunks(to chan<- []byte) {
	for {
		var chunk [256]byte
		n, err := r.screen.Keys.Read(chunk[:])
		if n > 0 {
			select {
			case to <- chunk[:n]:
			case <-r.ctx.Done():
				return
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe):
			return
		default:
			r.cancel(err)
			return
		}
	}
}
