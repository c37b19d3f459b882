package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
)

// reader is a browser at the end of a stream. While it is slow, a write ends as the kernel's
// do: with the deadline that was set for it.
type reader struct {
	*httptest.ResponseRecorder
	read chan string // what has come; nil: nobody reads

	mu       sync.Mutex
	deadline time.Duration // of the last write, from its beginning
	endless  bool          // the deadline for reading was taken away
}

func newReader() *reader {
	return &reader{ResponseRecorder: httptest.NewRecorder(), read: make(chan string)}
}

func (r *reader) SetWriteDeadline(at time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deadline = time.Until(at)
	return nil
}

func (r *reader) SetReadDeadline(at time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endless = at.IsZero()
	return nil
}

func (r *reader) Write(text []byte) (int, error) {
	if r.read == nil {
		return 0, os.ErrDeadlineExceeded
	}
	r.read <- string(text)
	return len(text), nil
}

func (r *reader) Flush() {}

// streaming opens a stream of moves for a browser that is logged in, and returns a channel
// that closes at its end.
func (b *browser) streaming(t *testing.T, w http.ResponseWriter) (ended chan struct{}, leave context.CancelFunc) {
	t.Helper()
	return b.streamingFrom(t, w, "/live")
}

func (b *browser) streamingFrom(t *testing.T, w http.ResponseWriter, address string) (ended chan struct{}, leave context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	r.Host, r.RemoteAddr = host, "192.0.2.7:1234"
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		b.ServeHTTP(w, r)
	}()
	return ended, cancel
}

// moving has the hub of a house tell of one app whenever the test says so.
func (h *house) moving() (move func()) {
	news := make(chan struct{})
	h.hub.listen = func() (<-chan struct{}, func()) { return news, func() {} }
	h.hub.look = func() []name.App { return []name.App{"shop"} }
	return func() { news <- struct{}{} }
}

func TestSlowReaderIsDropped(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	slow := newReader()
	slow.read = nil
	ended, _ := b.streaming(t, slow)
	<-ended // by itself: at the first write that cannot be done in time
	if slow.deadline <= 0 || slow.deadline > readWithin {
		t.Errorf("a write has %s", slow.deadline)
	}
	if len(h.hub.listeners) > 0 {
		t.Errorf("%d listeners are left", len(h.hub.listeners))
	}
	if n := h.sessions.list()[0].streams; n != 0 {
		t.Errorf("the session has %d streams", n)
	}
}

// TestStreamOutlastsARequest: the server ends requests that are not read in time, and no
// stream.
func TestStreamOutlastsARequest(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	r := newReader()
	ended, leave := b.streaming(t, r)
	<-r.read
	r.mu.Lock()
	endless := r.endless
	r.mu.Unlock()
	if !endless {
		t.Error("the deadline of a request ends the stream")
	}
	leave()
	<-ended
}

// TestSlowReaderHoldsUpNobody: while one browser does not read, others hear at once.
func TestSlowReaderHoldsUpNobody(t *testing.T) {
	h := newHouse(t, nil)
	move := h.moving()
	stuck := &listener{moved: make(chan struct{}, 1), hears: func(name.App) bool { return true }}
	leave, _ := h.hub.join(stuck)
	defer leave()
	quick := &listener{moved: make(chan struct{}, 1), hears: func(name.App) bool { return true }}
	leave, _ = h.hub.join(quick)
	defer leave()
	for range 3 {
		move()
		<-quick.moved
	}
}

func TestStreamEndsWithItsReader(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	for what, end := range map[string]func(leave func()){
		"the browser goes":      func(leave func()) { leave() },
		"the session is ended":  func(func()) { h.End("", h.sessions.list()[0].id, access.Caller{}) },
		"the key is taken away": func(func()) { changing.Lock(); defer changing.Unlock(); clear(h.keys) },
		"the server stops":      func(func()) { h.work.cancel() },
	} {
		if what == "the server stops" {
			h = newHouse(t, nil)
			b = &browser{house: h}
		}
		b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
		r := newReader()
		ended, leave := b.streaming(t, r)
		if text := <-r.read; text != ":\n\n" {
			t.Errorf("%s: the stream begins with %q", what, text)
		}
		end(leave)
		select {
		case <-ended:
		case text := <-r.read:
			t.Errorf("%s: then came %q", what, text)
		}
	}
}

func TestStreamsAreBounded(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	for range maxStreamsEach {
		r := newReader()
		b.streaming(t, r)
		<-r.read
	}
	refused := func(b *browser, what string) {
		t.Helper()
		if got := b.get(t, "/live"); got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %v", what, got.Code, got.Header())
		}
	}
	refused(b, "one more of a session")
	other := &browser{house: h}
	other.logIn(t, h.guest(t, "ben", access.RoleAdmin))
	r := newReader()
	_, leave := other.streaming(t, r)
	<-r.read // ben does not wait for ana
	leave()

	for range maxStreams {
		l := &listener{moved: make(chan struct{}, 1), hears: func(name.App) bool { return false }}
		if done, ok := h.hub.join(l); ok {
			defer done()
		}
	}
	refused(other, "one more of all")
}

// TestStreamsOfStrangersAreBounded: where everybody may look, an address has no more streams
// than a session.
func TestStreamsOfStrangersAreBounded(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Everybody = "shop" })
	b := &browser{house: h}
	var leaves []func()
	for range maxStreamsEach {
		r := newReader()
		ended, leave := b.streaming(t, r)
		<-r.read
		leaves = append(leaves, func() { leave(); <-ended })
	}
	if got := b.get(t, "/live"); got.Code != http.StatusServiceUnavailable {
		t.Errorf("one more: %d", got.Code)
	}
	for _, leave := range leaves {
		leave()
	}
	if len(h.crowd.streams) != 0 {
		t.Errorf("addresses are remembered: %v", h.crowd.streams)
	}
}

// TestStreamTellsNothing: a stream of moves has no data, but that something has moved.
func TestStreamTellsNothing(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Everybody = "*" })
	b := &browser{house: h}
	r := newReader()
	b.streaming(t, r)
	<-r.read
	for l := range h.hub.listeners {
		l.moved <- struct{}{}
	}
	if text := <-r.read; text != "event: moved\ndata: \n\n" {
		t.Errorf("the stream says %q", text)
	}
}

// TestLinesAreData: whatever a line of a deploy has, it is text in one event of the stream.
func TestLinesAreData(t *testing.T) {
	for line, want := range map[string]string{
		`<script>alert(1)</script>`: `data: <span class="line">&lt;script&gt;alert(1)&lt;/script&gt;</span>` + "\n\n",
		"a\n\nevent: end":           "data: <span class=\"line\">a\ndata: \ndata: event: end</span>\n\n",
	} {
		r := newReader()
		s := &stream{visit: &visit{w: r}, control: http.NewResponseController(r)}
		sent := make(chan error, 1)
		go func() { sent <- s.send("", lineHTML(line), "") }()
		if text := <-r.read; text != want {
			t.Errorf("%q is sent as %q", line, text)
		}
		if err := <-sent; err != nil && !errors.Is(err, http.ErrNotSupported) {
			t.Error(err)
		}
	}
}

// TestLooksGiveWayToPushes: while the server does what a pusher waits for, pages are told
// later.
func TestLooksGiveWayToPushes(t *testing.T) {
	never := make(chan struct{})
	for what, test := range map[string]struct {
		haste []<-chan struct{} // each time that it asks
		most  time.Duration
		done  <-chan struct{}
		goes  bool
		asks  int
	}{
		"nothing goes on":               {[]<-chan struct{}{nil}, time.Hour, never, true, 1},
		"a push, which ends":            {[]<-chan struct{}{closed(), nil}, time.Hour, never, true, 2},
		"a gate, and then its deploy":   {[]<-chan struct{}{closed(), closed(), nil}, time.Hour, never, true, 3},
		"pushes without end":            {[]<-chan struct{}{never}, 0, never, true, 1},
		"nobody has a page any more":    {[]<-chan struct{}{never}, time.Hour, closed(), false, 1},
		"all go while one push follows": {[]<-chan struct{}{closed(), never}, time.Hour, closed(), false, 0},
	} {
		asked := 0
		h := &hub{haste: func() <-chan struct{} { asked++; return test.haste[asked-1] }}
		if goes := h.giveWay(test.most, test.done); goes != test.goes || test.asks > 0 && asked != test.asks {
			t.Errorf("%s: %t, asked %d times", what, goes, asked)
		}
	}
}

// TestTheFirstLookGivesWayToo: also after a long time without a push, a push goes first.
func TestTheFirstLookGivesWayToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		news, push, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
		var looks atomic.Int32
		h := &hub{
			listen: func() (<-chan struct{}, func()) { return news, func() {} },
			haste:  func() <-chan struct{} { return push },
			look:   func() []name.App { looks.Add(1); return nil },
			most:   hasteMost, lull: hasteLull,
		}
		go h.watch(done)
		news <- struct{}{}
		synctest.Wait()
		if looks.Load() > 0 {
			t.Error("the server looked while a push went on")
		}
		<-time.After(hasteMost)
		synctest.Wait()
		if looks.Load() != 1 {
			t.Errorf("%d looks after %s, want one", looks.Load(), hasteMost)
		}
		close(done)
	})
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
