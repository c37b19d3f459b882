package trace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

const given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestParentsAreRead(t *testing.T) {
	for text, want := range map[string]bool{
		given: true,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00":      true,
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":      true,
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what": true,
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01what":  false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what": false,
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":      false,
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01":      false,
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-011":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01":      false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0":       false,
		"":    false,
		"new": false,
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-" + strings.Repeat("x", 1000): false,
	} {
		p, err := ParseParent(text)
		if (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && p != (Parent{}) {
			t.Errorf("%q is wrong, and read as %v", text, p)
		}
		if err == nil && p.sampled != strings.Contains(text, "b7-01") {
			t.Errorf("%q: sampled is %v", text, p.sampled)
		}
	}
}

func FuzzParseParent(f *testing.F) {
	f.Add(given)
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := ParseParent(text); err == nil && (p.none() || !strings.HasPrefix(text[3:], fmt.Sprintf("%x-%x-", p.trace, p.span))) {
			t.Errorf("%q is read as %v", text, p)
		}
	})
}

// receiver takes spans in, and answers as it is told.
type receiver struct {
	*httptest.Server
	bodies chan string
	status chan int // of the next answers; then 200
	asked  chan http.Header
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{bodies: make(chan string, 100), status: make(chan int, 100), asked: make(chan http.Header, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.asked <- q.Header
		select {
		case status := <-r.status:
			w.WriteHeader(status)
		default:
			r.bodies <- string(body)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func tracer(t *testing.T, url string) *Tracer {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	tracer := New(Config{
		URL: url + "/v1/traces", Headers: map[string]string{"X-Key": "canary-of-the-header"}, Resource: map[string]string{"service.name": "pushboat"},
		Client: http.DefaultTransport, Log: logrus.NewEntry(log),
	})
	t.Cleanup(tracer.Close)
	return tracer
}

func decodeSpans(t *testing.T, body string) map[string]spanJSON {
	t.Helper()
	var e exported
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatal(err)
	}
	spans := map[string]spanJSON{}
	for _, s := range e.ResourceSpans[0].ScopeSpans[0].Spans {
		spans[s.Name] = s
	}
	if who := e.ResourceSpans[0].Resource.Attributes; len(who) != 1 || who[0].Value.String != "pushboat" {
		t.Errorf("the resource is %v", who)
	}
	return spans
}

func TestSpansAreSent(t *testing.T) {
	r := newReceiver(t)
	parent, err := ParseParent(given)
	if err != nil {
		t.Fatal(err)
	}
	tracer := tracer(t, r.URL)
	began := time.Now().Add(-time.Minute)
	root := tracer.Start("push", parent, began)
	child := root.Child("gate")
	child.Set("pushboat.repository", "shop")
	child.Fail("refused")
	child.End()
	child.End() // once
	root.End()
	tracer.Close()
	spans := decodeSpans(t, <-r.bodies)
	push, gate := spans["push"], spans["gate"]
	if len(spans) != 2 || push.TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" || push.ParentID != "00f067aa0ba902b7" || push.Kind != kindServer || push.Status.Code != statusOK {
		t.Errorf("the trace does not go on from its parent: %+v", spans)
	}
	if gate.TraceID != push.TraceID || gate.ParentID != push.SpanID || gate.Status != (status{statusError, "refused"}) || gate.Attributes[0].Value.String != "shop" {
		t.Errorf("the gate is %+v", gate)
	}
	if push.Start != fmt.Sprint(began.UnixNano()) || len(push.End) != len(push.Start) {
		t.Errorf("the push goes from %s to %s", push.Start, push.End)
	}
	if root.TraceID() != push.TraceID {
		t.Errorf("the id of the trace is %s", root.TraceID())
	}
	if sent, dropped := tracer.Counts(); sent != 2 || dropped != 0 {
		t.Errorf("%d spans were sent, %d dropped", sent, dropped)
	}
	if head := <-r.asked; head.Get("X-Key") != "canary-of-the-header" || head.Get("Content-Type") != "application/json" {
		t.Errorf("the request has the head %v", head)
	}
}

func TestTracesOfOthersThatAreNotWantedAreNotMade(t *testing.T) {
	parent, err := ParseParent(strings.TrimSuffix(given, "1") + "0")
	if err != nil {
		t.Fatal(err)
	}
	r := newReceiver(t)
	if s := tracer(t, r.URL).Start("push", parent, time.Now()); s != nil {
		t.Error("a trace that is not sampled is made")
	}
}

func TestEachPushHasItsOwnTrace(t *testing.T) {
	tracer := tracer(t, newReceiver(t).URL)
	one, two := tracer.Start("push", Parent{}, time.Now()), tracer.Start("push", Parent{}, time.Now())
	if one.TraceID() == two.TraceID() || len(one.TraceID()) != 32 || one.TraceID() == strings.Repeat("0", 32) {
		t.Errorf("the traces are %s and %s", one.TraceID(), two.TraceID())
	}
}

// TestOffCostsNothing: without a receiver, spans are nil, and their methods allocate
// nothing.
func TestOffCostsNothing(t *testing.T) {
	var off *Tracer
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() {
		s := off.Start("push", Parent{}, now)
		c := s.Child("gate")
		c.Set("key", "value")
		c.Fail("refused")
		c.ChildAt("queued", now).End()
		c.End()
		s.End()
		_ = s.TraceID()
	}); n > 0 {
		t.Errorf("traces that are off take %v allocations a push", n)
	}
	off.Close()
	if sent, dropped := off.Counts(); sent != 0 || dropped != 0 {
		t.Error("spans are counted")
	}
}

func TestLimitsOfATrace(t *testing.T) {
	r := newReceiver(t)
	tracer := tracer(t, r.URL)
	root := tracer.Start("push", Parent{}, time.Now())
	var last *Span
	for range maxSpans + 10 {
		last = root.Child("wait")
	}
	if _, dropped := tracer.Counts(); last != nil || dropped != 11 {
		t.Errorf("%d spans of a trace were dropped", dropped)
	}
	for range maxAttributes + 5 {
		root.Set("key", strings.Repeat("ß", 10*maxValue))
	}
	root.Set("key", "")
	if len(root.attributes) != maxAttributes || len(root.attributes[0].value) > maxValue {
		t.Errorf("the span has %d attributes of %d bytes", len(root.attributes), len(root.attributes[0].value))
	}
}

// TestReceiverThatIsAwayDelaysNobody: spans that nobody takes are dropped beyond a number,
// and to end one never waits.
func TestReceiverThatIsAwayDelaysNobody(t *testing.T) {
	hold := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	defer server.Close()
	defer close(hold)
	tracer := tracer(t, server.URL)
	for range maxQueue + 2*maxBatch + 1 {
		tracer.Start("push", Parent{}, time.Now()).End()
	}
	if _, dropped := tracer.Counts(); dropped == 0 {
		t.Error("nothing was dropped")
	}
}

func TestSpansAreSentAgain(t *testing.T) {
	r := newReceiver(t)
	r.status <- http.StatusServiceUnavailable
	tracer := tracer(t, r.URL)
	for range maxBatch {
		tracer.Start("push", Parent{}, time.Now()).End()
	}
	if spans := decodeSpans(t, <-r.bodies); len(spans) == 0 {
		t.Error("nothing came with the second try")
	}
}

func TestAnswersOfReceivers(t *testing.T) {
	r := newReceiver(t)
	tracer := tracer(t, r.URL)
	for code, again := range map[int]bool{200: false, 400: false, 401: false, 302: false, 429: true, 502: true, 503: true, 504: true} {
		if code != 200 {
			r.status <- code
		}
		err := tracer.send([]*Span{tracer.Start("push", Parent{}, time.Now())})
		if (err == nil) != (code == 200) || errors.As(err, new(*awayError)) != again {
			t.Errorf("%d: %v", code, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error repeats a header: %v", err)
		}
	}
}
