package web

import (
	"errors"
	"html/template"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
)

// This file has the streams of events by which open pages move. A stream says that what a
// page shows has moved, and the browser asks for the page again; so it tells nothing that
// the page would not. One look at the apps serves all streams, and there is none while no
// page is open.

const (
	// lookRest is the least time between two looks: a rollout has many events in a second.
	lookRest = 500 * time.Millisecond
	// hasteMost is how long after what a look would see it has to be, while the server does
	// what pushers wait for. Together with the time that pages take, an event is on all of
	// them within a second. hasteLull is for how long it must have done nothing of the kind:
	// the client of a push has a little work left at its end.
	hasteMost = 800 * time.Millisecond
	hasteLull = 300 * time.Millisecond
	// keyCheck is the time between two checks of whether the visitors of streams may still
	// have them, as of ssh sessions.
	keyCheck = 500 * time.Millisecond
	// beat is how often a quiet stream says that it is there, for proxies.
	beat = 20 * time.Second
	// readWithin is how long a browser may take to read what it is sent, before it is cut off.
	readWithin = 10 * time.Second
)

// Limits of the streams that are open at once: of one session, or one address of those who
// are not logged in, and of all.
const (
	maxStreamsEach = 32
	maxStreams     = 2000
)

// hub tells streams which apps have moved.
type hub struct {
	look   func() []name.App // the apps that have moved since the last look
	listen func() (<-chan struct{}, func())
	// haste returns a channel that closes when nobody's push waits for the server any more;
	// nil: none does.
	haste      func() <-chan struct{}
	most, lull time.Duration // hasteMost and hasteLull

	mu        sync.Mutex
	listeners map[*listener]struct{}
	stop      func() // ends the looks; nil: there are none
}

// listener is one stream.
type listener struct {
	moved chan struct{}
	hears func(app name.App) bool
}

// join has a listener told, until leave is called. ok is false if there are too many.
func (h *hub) join(l *listener) (leave func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.listeners) >= maxStreams {
		return nil, false
	}
	if h.listeners == nil {
		h.listeners = map[*listener]struct{}{}
	}
	h.listeners[l] = struct{}{}
	if h.stop == nil {
		done := make(chan struct{})
		h.stop = func() { close(done) }
		go h.watch(done)
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.listeners, l)
		if len(h.listeners) == 0 && h.stop != nil {
			h.stop()
			h.stop = nil
		}
	}, true
}

// watch looks whenever something may have moved, and now and then, until done is closed.
func (h *hub) watch(done <-chan struct{}) {
	news, end := h.listen()
	defer end()
	pulse := time.NewTicker(boardAge)
	defer pulse.Stop()
	last := time.Now() // the beginning of the last look; none has been yet
	for {
		heard := last // at the earliest: the news may have come while no look was due
		select {
		case <-news:
		default:
			select {
			case <-news:
			case <-pulse.C:
			case <-done:
				return
			}
			heard = time.Now()
		}
		if !h.giveWay(max(h.most-time.Since(heard), 0), done) {
			return
		}
		last = time.Now()
		h.tell(h.look())
		timer := time.NewTimer(lookRest)
		select {
		case <-timer.C:
		case <-done:
			timer.Stop()
			return
		}
	}
}

// giveWay returns when the server does nothing that a pusher waits for, or after a while:
// pages that are open would otherwise be drawn while a deploy wants the processor. It is
// false once done is closed.
func (h *hub) giveWay(most time.Duration, done <-chan struct{}) bool {
	haste := h.haste()
	if haste == nil {
		return true
	}
	end := time.NewTimer(most)
	defer end.Stop()
	for haste != nil {
		select {
		case <-haste:
		case <-end.C:
			return true
		case <-done:
			return false
		}
		select {
		case <-time.After(h.lull): // then it was not the pause between a gate and its deploy
		case <-end.C:
			return true
		case <-done:
			return false
		}
		haste = h.haste()
	}
	return true
}

func (h *hub) tell(moved []name.App) {
	h.mu.Lock()
	listeners := slices.Collect(maps.Keys(h.listeners))
	h.mu.Unlock()
	for _, l := range listeners {
		if !slices.ContainsFunc(moved, l.hears) {
			continue
		}
		select {
		case l.moved <- struct{}{}:
		default: // it has not been told of the last one yet
		}
	}
}

// streamMoves tells that apps have moved: the one of the route, or any that the visitor may
// see.
func streamMoves(v *visit) error {
	only, caller := v.app.App, v.held()
	l := &listener{moved: make(chan struct{}, 1), hears: func(app name.App) bool {
		if only != "" {
			return app == only
		}
		repo, _ := v.door.Apps.Engine.Home(app)
		return v.door.Apps.Policy.Allows(*caller.Load(), access.ReadDeploys, access.Subject{Repo: repo})
	}}
	leave, ok := v.door.hub.join(l)
	if !ok {
		return errManyStreams
	}
	defer leave()
	if since := v.r.URL.Query().Get("since"); since != "" && since != v.seenNow() {
		select {
		case l.moved <- struct{}{}: // between the page and its stream, or while that was cut
		default:
		}
	}
	return v.stream(func(s *stream) error {
		for {
			select {
			case <-l.moved:
				if err := s.send("moved", "", ""); err != nil {
					return err
				}
			case <-s.r.Context().Done(): // the page is closed: it does not count any more
				return errGone
			case why := <-s.alarm:
				if err := s.heed(why); err != nil {
					return err
				}
			}
		}
	})
}

// seenNow sums up what the stream's page shows now, see sumText.
func (v *visit) seenNow() string {
	if v.app.App != "" {
		return sumText(sumOf(v.app))
	}
	_, sum := v.visible(v.door.board.look())
	return sumText(sum)
}

// sumText writes a sum for an address.
func sumText(sum uint64) string { return strconv.FormatUint(sum, 36) }

// errManyStreams and errGone end a stream.
var (
	errManyStreams = errors.New("too many pages are open")
	errGone        = errors.New("the visitor has gone, or may not look any more")
)

// stream is a stream of events to a browser.
type stream struct {
	*visit
	control *http.ResponseController
	from    netip.Addr
	alarm   chan error   // holds one: why the stream ends, or nil to say that it is there
	quiet   atomic.Int64 // since when nothing was sent, in nanoseconds of Unix
}

// held is where a stream has its visitor, with the rights of now.
func (v *visit) held() *atomic.Pointer[access.Caller] {
	if v.holder == nil {
		v.holder = &atomic.Pointer[access.Caller]{}
		v.holder.Store(&v.caller)
	}
	return v.holder
}

// stream serves events until the visitor goes, may not have them any more, or the server
// stops.
func (v *visit) stream(serve func(s *stream) error) error {
	leave, ok := v.enter()
	if !ok {
		return errManyStreams
	}
	defer leave()
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	v.w.WriteHeader(http.StatusOK)
	v.held()
	s := &stream{visit: v, control: http.NewResponseController(v.w), from: ipOf(v.door.addressOf(v.r)), alarm: make(chan error, 1)}
	s.quiet.Store(time.Now().UnixNano())
	defer v.door.vigil.watch(s)()
	_ = s.control.SetReadDeadline(time.Time{}) // the server's is for requests, and would end the stream; a test's recorder has none
	if err := s.comment(); err == nil {
		_ = serve(s) // its end is seen by the browser, which asks again
	}
	return nil
}

// send sends an event. Its data is HTML, or ""; event and id may be "".
func (s *stream) send(event string, data template.HTML, id string) error {
	var text strings.Builder
	if event != "" {
		text.WriteString("event: " + event + "\n")
	}
	if id != "" {
		text.WriteString("id: " + id + "\n")
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		text.WriteString("data: " + line + "\n")
	}
	return s.write(text.String() + "\n")
}

func (s *stream) comment() error { return s.write(":\n\n") }

func (s *stream) write(text string) error {
	s.quiet.Store(time.Now().UnixNano())
	if err := s.control.SetWriteDeadline(time.Now().Add(readWithin)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}

// enter counts a stream of the visitor, until leave is called. ok is false if there are too
// many.
func (v *visit) enter() (leave func(), ok bool) {
	if v.session == nil {
		return v.door.crowd.stays(v.door.addressOf(v.r))
	}
	s := v.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams >= maxStreamsEach {
		return nil, false
	}
	s.streams++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.streams--
	}, true
}

// streamLines sends the lines of a running deploy, from the number of the query on, or from
// the one after the last that the browser has had; and then that it has ended.
func streamLines(v *visit) error {
	from := v.streamsFrom()
	if v.everybody() { // lines may have what containers print
		return errLogIn
	}
	run := v.door.Apps.Engine.Run(v.app.App, v.number)
	if run == nil {
		return errNotFound
	}
	return v.stream(func(s *stream) error {
		lines, ended := make(chan string, 100), make(chan struct{})
		ctx := v.r.Context()
		go func() {
			defer close(ended)
			n := 0
			_, _ = run.Attach(ctx, func(line string) { // ctx ends it, or the deploy
				if n++; n > from {
					select {
					case lines <- line:
					case <-ctx.Done():
					}
				}
			})
		}()
		return s.follow(lines, ended, from)
	})
}

// streamsFrom is the number of the first line that a browser wants: that of the query, or the
// one after the last that it has had.
func (v *visit) streamsFrom() int {
	from, _ := strconv.Atoi(v.r.URL.Query().Get("from")) // 0 for anything else
	if last, err := strconv.Atoi(v.r.Header.Get("Last-Event-ID")); err == nil {
		from = last
	}
	return max(from, 0)
}

// follow sends lines as they come, and together those that have come since.
func (s *stream) follow(lines <-chan string, ended <-chan struct{}, number int) error {
	for {
		select {
		case line := <-lines:
			together := []string{line}
			for len(lines) > 0 && len(together) < maxTogether {
				together = append(together, <-lines)
			}
			number += len(together)
			if err := s.sendLines(together, number); err != nil {
				return err
			}
		case <-ended:
			if len(lines) > 0 {
				continue
			}
			return s.send("end", "", "")
		case why := <-s.alarm:
			if err := s.heed(why); err != nil {
				return err
			}
		}
	}
}

// maxTogether bounds the lines of one event.
const maxTogether = 500

// sendLines sends lines in one event, whose id is the number of the last one.
func (s *stream) sendLines(lines []string, number int) error {
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(string(lineHTML(line)))
	}
	return s.send("", template.HTML(text.String()), strconv.Itoa(number)) // it is escaped, line by line
}

// lineHTML is a line of a deploy's output.
func lineHTML(line string) template.HTML {
	return template.HTML(`<span class="line">` + template.HTMLEscapeString(line) + "</span>") // it is escaped
}
