// Package trace makes traces of pushes, and sends them to a receiver of OpenTelemetry by
// OTLP over HTTP, in JSON. A span that is nil does nothing and costs nothing, so that
// callers need not ask whether traces are on.
package trace

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Limits on one trace.
const (
	maxSpans      = 2000 // of a push; a further one is counted, and not sent
	maxAttributes = 16
	maxValue      = 256 // bytes of an attribute
)

// Parent is the span of somebody else that a trace goes on from; the zero value is none.
type Parent struct {
	trace   [16]byte
	span    [8]byte
	sampled bool
}

// none reports whether there is no parent.
func (p Parent) none() bool { return p == Parent{} }

// Span is a part of a trace: what somebody did, from when to when. Its methods may be called
// from several goroutines; those of a nil span do nothing.
type Span struct {
	tracer *Tracer
	trace  [16]byte
	id     [8]byte
	parent [8]byte
	name   string
	kind   int
	start  time.Time
	spans  *atomic.Int64 // of the trace, in this server

	mu         sync.Mutex
	attributes []attribute
	failure    string // why it failed; "" if it did not
	end        time.Time
}

type attribute struct{ key, value string }

// The kinds of spans, see the protocol.
const (
	kindInternal = 1
	kindServer   = 2
)

// Start begins a trace, or goes on with that of a parent, at a time. It returns nil if
// traces are off, or if whoever began the trace does not want to have it.
func (t *Tracer) Start(name string, parent Parent, at time.Time) *Span {
	if t == nil || !parent.none() && !parent.sampled {
		return nil
	}
	s := &Span{tracer: t, trace: parent.trace, id: newSpanID(), parent: parent.span, name: name, kind: kindServer, start: at, spans: new(atomic.Int64)}
	if parent.none() {
		rand.Read(s.trace[:]) // never fails
	}
	return s
}

func newSpanID() (id [8]byte) {
	rand.Read(id[:]) // never fails
	return id
}

// Child begins a span within this one, now.
func (s *Span) Child(name string) *Span {
	if s == nil {
		return nil
	}
	return s.ChildAt(name, time.Now())
}

// ChildAt begins a span within this one, at a time.
func (s *Span) ChildAt(name string, at time.Time) *Span {
	if s == nil {
		return nil
	}
	if s.spans.Add(1) >= maxSpans {
		s.tracer.dropped.Add(1)
		return nil
	}
	return &Span{tracer: s.tracer, trace: s.trace, id: newSpanID(), parent: s.id, name: name, kind: kindInternal, start: at, spans: s.spans}
}

// Set gives the span an attribute. Values are names, numbers and words of the server's own:
// nothing of a repository's content.
func (s *Span) Set(key, value string) {
	if s == nil || value == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.attributes) < maxAttributes {
		if len(value) > maxValue {
			value = strings.ToValidUTF8(value[:maxValue], "")
		}
		s.attributes = append(s.attributes, attribute{key, strings.ToValidUTF8(value, "�")})
	}
}

// Fail says that what the span is about failed, in a word.
func (s *Span) Fail(word string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = word
}

// End ends the span now, once, and has it sent.
func (s *Span) End() {
	if s == nil {
		return
	}
	s.mu.Lock()
	ended := !s.end.IsZero()
	if !ended {
		s.end = time.Now()
	}
	s.mu.Unlock()
	if !ended {
		s.tracer.take(s)
	}
}

// TraceID is the id of the trace, 32 hexadecimal digits; "" for a nil span.
func (s *Span) TraceID() string {
	if s == nil {
		return ""
	}
	return hex.EncodeToString(s.trace[:])
}
