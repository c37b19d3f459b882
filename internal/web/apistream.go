package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// This file has the events of the API, and streams of them. A cursor names the server's start
// and the number of an event: the clock, of which numbers are, may be put back between two starts.

// eventsOperation is an operation with events.
func eventsOperation(id, what string) operation {
	return operation{
		id: id, what: what, verb: "events", tag: "events", follows: true,
		params: []param{
			{name: "limit", kind: number, what: "how many of the newest; 100 if left out", most: maxPage, ours: true},
			{name: "after", kind: text, what: "only those after this cursor; the header Link has the cursor to go on from", ours: true},
			{name: "follow", kind: yesNo, what: "a stream of server-sent events, which goes on with what happens", ours: true},
		},
	}
}

// cursor writes the cursor of an event.
func (d *Door) cursor(number uint64) string { return d.began + "-" + strconv.FormatUint(number, 10) }

// after reads a cursor. One of an earlier start is before all that has happened since.
func (d *Door) after(cursor string) (number uint64, err error) {
	began, digits, ok := strings.Cut(cursor, "-")
	number, err = strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil {
		return 0, badRequest("the cursor is none of ours: take it from the header Link, or from the id of an event")
	}
	if began != d.began {
		return 0, nil
	}
	return number, nil
}

// answerEvents answers with events, or with a stream of them.
func answerEvents(v *visit) error {
	q, err := v.query()
	if err != nil {
		return err
	}
	flags := []string{"-o", "json"}
	cursor := cmp.Or(v.r.Header.Get("Last-Event-ID"), q.text("after"))
	number, limit := uint64(0), q.number("limit", usualPage)
	if cursor == "" {
		flags = append(flags, "--number="+strconv.Itoa(limit))
	} else {
		if number, err = v.door.after(cursor); err != nil {
			return err
		}
		flags = append(flags, "--after="+strconv.FormatUint(number, 10))
	}
	if q.text("follow") == "true" {
		return v.followEvents(q, append(flags, "--follow"))
	}
	return v.listEvents(q, flags, number, limit)
}

// listEvents answers with the events after a number, or the newest.
func (v *visit) listEvents(q values, flags []string, number uint64, limit int) error {
	end, err := v.door.calls.begin(v.bearer.token.ID)
	if err != nil {
		return err
	}
	defer end()
	as := v.asAPIVerb(make(chan struct{}))
	v.door.Run(v.r.Context(), as, v.words(q, flags...))
	if as.failed != nil {
		return &verbError{err: as.failed}
	}
	var list []json.RawMessage
	if err := json.Unmarshal(as.Bytes(), &list); err != nil {
		return err
	}
	list = append([]json.RawMessage{}, list[:min(limit, len(list))]...)
	if len(list) > 0 {
		if number, _, err = eventIn(list[len(list)-1]); err != nil {
			return err
		}
	}
	v.w.Header().Set("Link", "<"+v.nextEvents(v.door.cursor(number))+`>; rel="next"`)
	answerJSON(v.w, http.StatusOK, "application/json", list)
	return nil
}

// nextEvents is the address of the events after a cursor.
func (v *visit) nextEvents(cursor string) string {
	next := v.r.URL.Query()
	next.Set("after", cursor)
	return v.r.URL.EscapedPath() + "?" + next.Encode()
}

// eventIn reads what a stream says of an event.
func eventIn(text []byte) (number uint64, kind string, err error) {
	var e struct {
		Number uint64
		Kind   string
	}
	err = json.Unmarshal(text, &e)
	return e.Number, e.Kind, err
}

// followEvents sends events as they happen, until the program goes, its token opens nothing any
// more, or the server stops. A program that does not read is dropped.
func (v *visit) followEvents(q values, flags []string) error {
	end, err := v.door.calls.follow(v.bearer.token.ID)
	if err != nil {
		return err
	}
	defer end()
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	v.w.WriteHeader(http.StatusOK)
	if v.r.Method == http.MethodHead {
		return nil
	}
	s := &eventStream{visit: v, control: http.NewResponseController(v.w), gone: make(chan struct{})}
	_ = s.control.SetReadDeadline(time.Time{}) // the server's is for requests; a test's recorder has none
	if s.write(":\n\n") != nil {
		return nil
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.watch()
	}()
	v.door.Run(v.r.Context(), &streamVerb{v.asAPIVerb(s.gone), s}, v.words(q, flags...))
	s.leave()
	<-watched
	return nil
}

// eventStream is a stream of events to a program.
type eventStream struct {
	*visit
	control *http.ResponseController
	gone    chan struct{} // closed when it ends
	once    sync.Once

	mu    sync.Mutex // held while something is sent
	rest  []byte     // of an unfinished line
	quiet time.Time  // since when nothing was sent
}

// leave ends the stream.
func (s *eventStream) leave() { s.once.Do(func() { close(s.gone) }) }

// watch ends the stream of somebody who has gone, or whose token opens less than when it began,
// and keeps a quiet one alive.
func (s *eventStream) watch() {
	defer s.leave()
	ticker := time.NewTicker(keyCheck)
	defer ticker.Stop()
	for {
		select {
		case <-s.gone:
			return
		case <-s.r.Context().Done():
			return
		case <-s.door.work.ctx.Done():
			return
		case <-ticker.C:
		}
		if s.door.still(s.bearer, s.door.addressOf(s.r)) != nil || s.hidden() || s.beat() != nil {
			s.hurry()
			return
		}
	}
}

// hurry shortens the time for what is being sent: it is not for its reader any more.
func (s *eventStream) hurry() {
	if s.mu.TryLock() { // nothing is: the stream ends as it should
		s.mu.Unlock()
		return
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(keyCheck)) // without it, the write has until readWithin
}

// hidden reports whether the app of the stream may not be seen any more.
func (s *eventStream) hidden() bool {
	if s.app.App == "" {
		return false
	}
	_, seen := s.door.Apps.Seen(s.caller, s.app.App)
	return !seen
}

// beat says that the stream is there, where it was quiet for long. It does not wait for what is
// being sent, perhaps to somebody who does not read.
func (s *eventStream) beat() error {
	if !s.mu.TryLock() {
		return nil
	}
	defer s.mu.Unlock()
	if time.Since(s.quiet) <= beat {
		return nil
	}
	return s.writeLocked(":\n\n")
}

// line takes what the verb prints: a line for each event, of which it makes a message.
func (s *eventStream) line(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, p...)
	for {
		line, rest, ended := bytes.Cut(s.rest, []byte("\n"))
		if !ended {
			return nil
		}
		s.rest = rest
		number, kind, err := eventIn(line)
		if err != nil {
			return err
		}
		if err := s.writeLocked("id: " + s.door.cursor(number) + "\nevent: " + kind + "\ndata: " + string(line) + "\n\n"); err != nil {
			return err
		}
	}
}

func (s *eventStream) write(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writeLocked(text)
}

// writeLocked sends a text, within the time that a reader has. s.mu is held.
func (s *eventStream) writeLocked(text string) error {
	s.quiet = time.Now()
	if err := s.control.SetWriteDeadline(time.Now().Add(readWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}

// streamVerb is a session whose output is a stream.
type streamVerb struct {
	*apiVerb
	stream *eventStream
}

// Write sends what the verb prints. Once the program has gone, the stream ends.
func (s *streamVerb) Write(p []byte) (int, error) {
	if err := s.stream.line(p); err != nil {
		s.stream.leave()
		return 0, err
	}
	return len(p), nil
}
