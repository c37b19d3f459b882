package script

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const toldUsage = "told start SECRET | lines | until PATTERN | asked PATH | refuse PATH | hold PATH | answer PATH"

// told is somebody who is told things: a webhook that takes CloudEvents and verifies who has
// signed them, and any other service.
type told struct {
	*httptest.Server
	secret string

	mu      sync.Mutex
	lines   []string
	held    map[string]int    // requests without an answer, by path
	answers map[string]string // by path: refuse, hold; else they are taken
	more    chan struct{}     // closed and replaced when something of it changes
}

// cmdTold runs somebody who is told things for the script.
func cmdTold(ts *testscript.TestScript, neg bool, args []string) {
	s := on(ts)
	switch {
	case neg || len(args) == 0:
		ts.Fatalf("usage: %s", toldUsage)
	case len(args) == 2 && args[0] == "start" && s.told == nil:
		s.told = startTold(args[1])
		ts.Defer(s.told.stop)
		ts.Setenv("TOLD", s.told.URL)
	case s.told == nil:
		ts.Fatalf("usage: %s; start comes first", toldUsage)
	case len(args) == 1 && args[0] == "lines":
		lines, _, _ := s.told.state()
		fmt.Fprint(ts.Stdout(), strings.Join(lines, ""))
	case len(args) == 2 && args[0] == "until":
		pattern, err := regexp.Compile("(?m)" + args[1])
		ts.Check(err)
		ts.Check(s.told.await(func(lines []string, _ map[string]int) bool { return pattern.MatchString(strings.Join(lines, "")) }))
	case len(args) == 2 && args[0] == "asked":
		ts.Check(s.told.await(func(_ []string, held map[string]int) bool { return held[args[1]] > 0 }))
	case len(args) == 2 && (args[0] == "refuse" || args[0] == "hold" || args[0] == "answer"):
		s.told.change(func() { s.told.answers[args[1]] = args[0] })
	default:
		ts.Fatalf("usage: %s", toldUsage)
	}
}

func startTold(secret string) *told {
	t := &told{secret: secret, answers: map[string]string{}, held: map[string]int{}, more: make(chan struct{})}
	t.Server = httptest.NewServer(http.HandlerFunc(t.take))
	return t
}

func (t *told) stop() {
	t.CloseClientConnections()
	t.Close()
}

func (t *told) change(how func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	how()
	close(t.more)
	t.more = make(chan struct{})
}

func (t *told) state() (lines []string, held map[string]int, more <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...), maps.Clone(t.held), t.more
}

func (t *told) await(is func(lines []string, held map[string]int) bool) error {
	late := time.After(waitWithin)
	for {
		lines, held, more := t.state()
		if is(lines, held) {
			return nil
		}
		select {
		case <-more:
		case <-late:
			return fmt.Errorf("requests without an answer: %v; told was:\n%s", held, strings.Join(lines, ""))
		}
	}
}

// take notes a message as a line, unless it is refused or held.
func (t *told) take(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	t.mu.Lock()
	answer := t.answers[q.URL.Path]
	t.mu.Unlock()
	switch {
	case err != nil:
		return
	case answer == "refuse":
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	case answer == "hold":
		t.change(func() { t.held[q.URL.Path]++ })
		<-q.Context().Done()
		t.change(func() { t.held[q.URL.Path]-- })
		return
	}
	line := t.line(q, body)
	t.change(func() { t.lines = append(t.lines, line) })
	fmt.Fprint(w, "{}")
}

// line is the path, how the message is signed, its key, its type, and its title and text.
func (t *told) line(q *http.Request, body []byte) string {
	if q.Header.Get("Content-Type") != "application/cloudevents+json; charset=utf-8" {
		return fmt.Sprintf("%s %s: %s\n", q.URL.Path, q.Header.Get("Title"), strings.ReplaceAll(string(body), "\n", " | "))
	}
	var event struct {
		SpecVersion, ID, Source, Type, Subject string
		Data                                   struct{ Title, Text string }
	}
	signed := "signed"
	if err := json.Unmarshal(body, &event); err != nil || event.SpecVersion != "1.0" || q.Header.Get("Idempotency-Key") != event.ID {
		signed = "spoilt"
	}
	if !isSigned(q.Header.Get("Pushboat-Signature"), t.secret, body) {
		signed = "forged"
	}
	return fmt.Sprintf("%s %s %s %s %s: %s | %s\n", q.URL.Path, signed, event.ID, event.Type, event.Subject, event.Data.Title, strings.ReplaceAll(event.Data.Text, "\n", " | "))
}

// isSigned reports whether a signature, t=SECONDS,v1=HEX, is of "SECONDS.BODY".
func isSigned(signature, secret string, body []byte) bool {
	at, rest, _ := strings.Cut(strings.TrimPrefix(signature, "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.%s", at, body)
	return rest == hex.EncodeToString(mac.Sum(nil))
}
