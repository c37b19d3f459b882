package script

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const receiverUsage = "receiver start | spans | until PATTERN | off | on"

// receiver is a receiver of traces: it takes OTLP over HTTP, in JSON.
type receiver struct {
	*httptest.Server

	mu    sync.Mutex
	lines []string // a line a span
	more  chan struct{}
	off   chan struct{} // closed when it answers again; nil while it does
}

// cmdReceiver runs a receiver of traces for the script.
func cmdReceiver(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	switch verb := strings.Join(args, " "); {
	case neg:
		ts.Fatalf("unsupported: ! receiver")
	case verb == "start" && s.receiver == nil:
		s.receiver = startReceiver()
		ts.Defer(s.receiver.stop)
		ts.Setenv("RECEIVER", s.receiver.URL)
	case s.receiver == nil:
		ts.Fatalf("usage: %s; start comes first", receiverUsage)
	case verb == "spans":
		lines, _ := s.receiver.spans()
		fmt.Fprint(ts.Stdout(), strings.Join(lines, ""))
	case len(args) == 2 && args[0] == "until":
		pattern, err := regexp.Compile("(?m)" + args[1])
		ts.Check(err)
		ts.Check(s.receiver.await(pattern))
	case verb == "off":
		s.receiver.answer(false)
	case verb == "on":
		s.receiver.answer(true)
	default:
		ts.Fatalf("usage: %s", receiverUsage)
	}
}

func startReceiver() *receiver {
	r := &receiver{more: make(chan struct{})}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	return r
}

func (r *receiver) stop() {
	r.answer(true)
	r.CloseClientConnections()
	r.Close()
}

// answer has requests answered, or held without an answer.
func (r *receiver) answer(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case on && r.off != nil:
		close(r.off)
		r.off = nil
	case !on && r.off == nil:
		r.off = make(chan struct{})
	}
}

// take notes the spans of a request, each as a line: trace, span, parent or "-", name, status
// or "ok", and the attributes.
func (r *receiver) take(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	off := r.off
	r.mu.Unlock()
	if off != nil {
		select {
		case <-off:
		case <-q.Context().Done():
			return
		}
	}
	var body struct {
		ResourceSpans []struct {
			ScopeSpans []struct{ Spans []otlpSpan }
		}
	}
	text, err := io.ReadAll(q.Body)
	if err == nil {
		err = json.Unmarshal(text, &body)
	}
	if err != nil || q.URL.Path != "/v1/traces" || q.Method != http.MethodPost {
		http.Error(w, "this is no trace", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range body.ResourceSpans {
		for _, in := range of.ScopeSpans {
			for _, span := range in.Spans {
				r.lines = append(r.lines, span.String())
			}
		}
	}
	close(r.more)
	r.more = make(chan struct{})
}

// otlpSpan is a span of OTLP, as far as scripts look at it.
type otlpSpan struct {
	TraceID      string `json:"traceId"`
	SpanID       string `json:"spanId"`
	ParentSpanID string `json:"parentSpanId"`
	Name         string
	Status       struct{ Message string }
	Attributes   []struct {
		Key   string
		Value struct{ StringValue string }
	}
}

func (s otlpSpan) String() string {
	parent, status := s.ParentSpanID, s.Status.Message
	if parent == "" {
		parent = "-"
	}
	if status == "" {
		status = "ok"
	}
	line := fmt.Sprintf("%s %s %s %s %s", s.TraceID, s.SpanID, parent, s.Name, status)
	for _, a := range s.Attributes {
		line += fmt.Sprintf(" %s=%q", a.Key, a.Value.StringValue)
	}
	return line + "\n"
}

func (r *receiver) spans() (lines []string, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.lines...), r.more
}

// await returns when the lines of the spans match a pattern.
func (r *receiver) await(pattern *regexp.Regexp) error {
	late := time.After(waitWithin)
	for {
		lines, more := r.spans()
		if pattern.MatchString(strings.Join(lines, "")) {
			return nil
		}
		select {
		case <-more:
		case <-late:
			return fmt.Errorf("no span matches %s:\n%s", pattern, strings.Join(lines, ""))
		}
	}
}
