package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/backup/offsite"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/notify/reach"
	"github.com/pushboat/pushboat/internal/push"
	"github.com/pushboat/pushboat/internal/record"
)

func TestWaits(t *testing.T) {
	for failures, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 9: 256 * time.Second, 10: mostWait, 1000: mostWait} {
		least, most := waitAfter(failures, nil, 0), waitAfter(failures, nil, 1)
		if least != want*4/5 || most != want*6/5 {
			t.Errorf("after %d failures: %s to %s, want %s give or take a fifth", failures, least, most, want)
		}
	}
	if got := waitAfter(1, &reach.AnswerError{Status: 429, Wait: time.Hour}, 0); got != time.Hour {
		t.Errorf("a receiver that asks for an hour: %s", got)
	}
}

func TestHopeless(t *testing.T) {
	for _, test := range []struct {
		err      error
		failures int
		want     bool
	}{
		{&reach.AnswerError{Status: 400}, hopelessAfter, true},
		{&reach.AnswerError{Status: 400}, hopelessAfter - 1, false},
		{&reach.AnswerError{Status: 413}, 9, true},
		{&reach.AnswerError{Status: 554}, 9, true},
		{&reach.AnswerError{Status: 503}, 99, false},
		{&reach.AnswerError{Status: 429}, 99, false},
		{&reach.AnswerError{Status: 401}, 99, false},
		{reach.Setup("no such file"), 99, false},
		{errors.New("refused"), 99, false},
	} {
		if got := isHopeless(test.err, test.failures); got != test.want {
			t.Errorf("%v, %d times: %v", test.err, test.failures, got)
		}
	}
}

func TestWhatIsNext(t *testing.T) {
	early, late := &Message{ID: "early", Due: noon}, &Message{ID: "late", Due: noon.Add(time.Minute)}
	if m, wait := nextOf([]*Message{late, early}, noon); m != early || wait != 0 {
		t.Errorf("got %v in %s", m, wait)
	}
	if m, wait := nextOf([]*Message{late}, noon); m != nil || wait != time.Minute {
		t.Errorf("got %v in %s", m, wait)
	}
	if m, wait := nextOf(nil, noon); m != nil || wait != idle {
		t.Errorf("got %v in %s", m, wait)
	}
	if isTooOld(&Message{Decided: noon.Add(-2 * maxAge), Due: noon.Add(-time.Hour)}, noon) || !isTooOld(&Message{Decided: noon.Add(-2 * maxAge)}, noon) {
		t.Error("the age counts from when a message was due")
	}
	queue := make([]*Message, maxQueued)
	for i := range queue {
		queue[i] = &Message{ID: fmt.Sprint(i)}
	}
	if gone := overflow(queue, 2); len(gone) != 2 || gone[0].ID != "0" || len(overflow(queue[:5], 2)) > 0 {
		t.Errorf("of a full queue go %v", gone)
	}
}

// hook is a webhook that notes what it is told.
type hook struct {
	*httptest.Server
	secret string

	mu     sync.Mutex
	events []cloudEvent
	status int // of answers
	more   chan struct{}
}

func newHook(t *testing.T) *hook {
	h := &hook{secret: "a-secret-of-a-webhook", status: http.StatusOK, more: make(chan struct{}, 100)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var e cloudEvent
		if err != nil || json.Unmarshal(body, &e) != nil {
			t.Errorf("a body that is no event: %s", body)
		}
		h.check(t, q.Header, body, e)
		h.mu.Lock()
		defer h.mu.Unlock()
		w.WriteHeader(h.status)
		if h.status == http.StatusOK {
			h.events = append(h.events, e)
		}
		h.more <- struct{}{}
	}))
	t.Cleanup(h.Close)
	return h
}

// check verifies that the server has sent an event, as docs/notifications.md says.
func (h *hook) check(t *testing.T, header http.Header, body []byte, e cloudEvent) {
	at, signature, _ := strings.Cut(strings.TrimPrefix(header.Get(signatureHeader), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(h.secret))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	if hex.EncodeToString(mac.Sum(nil)) != signature {
		t.Errorf("the signature is %q", header.Get(signatureHeader))
	}
	if header.Get(idempotencyHeader) != e.ID || e.SpecVersion != "1.0" || e.Source != "urn:pushboat:0123" || e.ID == "" || e.Time.IsZero() {
		t.Errorf("the key is %q, the event %+v", header.Get(idempotencyHeader), e)
	}
	if got := header.Get("Content-Type"); got != "application/cloudevents+json; charset=utf-8" {
		t.Errorf("the body is %q", got)
	}
}

func (h *hook) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

// keys are the ids of what it was told.
func (h *hook) keys() (keys []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		keys = append(keys, e.ID)
	}
	return keys
}

// engine is one with an app.
type engine struct {
	mu     sync.Mutex
	status deploy.Status
}

func (e *engine) Apps() []name.App { return []name.App{"shop"} }
func (e *engine) Status(app name.App) (deploy.Status, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.status, app == "shop"
}
func (e *engine) Explain(context.Context, *deploy.Status) {}
func (e *engine) Seen(name.App) bool                      { return true }
func (e *engine) AtWork(string) bool                      { return false }
func (e *engine) Outages() []deploy.Outage                { return nil }

func (e *engine) ends(r record.Record) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = deploy.Status{App: "shop", Repo: "shop", Branch: "main", Cluster: "default", Sync: deploy.InSync, Last: &r}
}

// world is what a notifier is made of, and outlives.
type world struct {
	dir    string
	engine *engine
	events *event.Bus
	rules  atomic.Pointer[rules.Rules] // lines read them beside the test
	set    Settings
}

// newWorld has a webhook for ops, and a rule that tells it everything.
func newWorld(t *testing.T, to string) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{dir: dir, engine: &engine{}, events: event.New(10)}
	w.rules.Store(rulesOf(t, "rules:\n- {name: a, tell: [ops]}\n"))
	w.rules.Load().Notifications().Receiver("ops").File = filepath.Join(dir, "ops")
	w.set = Settings{Files: dir, Reach: reach.Reach{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	if err := os.WriteFile(filepath.Join(dir, "ops"), []byte("address: "+to+"/?t0ken\nsecret: a-secret-of-a-webhook\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) notifier() *Notifier {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return New(Config{
		Dir: filepath.Join(w.dir, "outbox"), Engine: w.engine, Events: w.events, Rules: w.rules.Load,
		Records: func(context.Context, name.Repo, name.App, int, int) ([]record.Record, error) {
			return nil, errors.New("not asked for")
		},
		Backups: func() *offsite.State { return nil }, Silent: func() []Silent { return nil }, Fence: free, Server: "0123", Fill: plain, Log: logrus.NewEntry(log),
	}, w.set)
}

// lookOnce has a notifier look once, as its goroutine does.
func (n *Notifier) lookOnce(t *testing.T) { n.turn(t.Context()) }

// A message that was decided is sent by the next server if this one is killed, under the same
// key; what was sent is sent no more, and what was told is decided no more.
func TestOnceAcrossKills(t *testing.T) {
	h := newHook(t)
	h.answer(http.StatusServiceUnavailable)
	w := newWorld(t, h.URL)
	first := w.notifier()
	first.lookOnce(t) // from now on it is told
	ended := record.Record{App: "shop", Number: 1, Repo: "shop", Result: record.Failed, Cause: record.CausePush, Revision: "3f2c1ab", Started: time.Now(), Seconds: 1}
	w.engine.ends(ended)
	w.events.Publish(event.Event{App: "shop"})
	first.lookOnce(t)
	if queue := first.queue("ops"); len(queue) != 1 || queue[0].ID != "shop-1.deployFailed" {
		t.Fatalf("the queue is %+v", queue)
	}
	<-h.more // it has refused one; now the server is killed
	first.kill()

	h.answer(http.StatusOK)
	second := w.notifier()
	second.Start()
	<-h.more
	w.events.Publish(event.Event{App: "shop"})
	ended.Number, ended.Result = 2, record.Deployed
	w.engine.ends(ended)
	w.events.Publish(event.Event{App: "shop"})
	for len(h.keys()) < 2 {
		<-h.more
	}
	second.Stop()
	third := w.notifier()
	third.lookOnce(t)
	if queue := third.queue("ops"); len(queue) > 0 {
		t.Errorf("the third server would tell %+v", queue)
	}
	third.kill()
	if keys := strings.Join(h.keys(), " "); keys != "shop-1.deployFailed shop-2.deploySucceeded" {
		t.Errorf("told was %s", keys)
	}
}

// kill ends a notifier's goroutines without a word, as far as a test can.
func (n *Notifier) kill() {
	for _, l := range n.lines {
		l.stop()
		<-l.ended
	}
}

// Somebody who never answers delays neither others nor whoever decides.
func TestSilentReceiverDelaysNobody(t *testing.T) {
	asked, release := make(chan struct{}, 10), make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	}))
	defer silent.Close()
	h := newHook(t)
	w := newWorld(t, h.URL)
	w.rules.Store(rulesOf(t, "rules:\n- {name: a, tell: [ops, ben]}\n"))
	for _, of := range []struct{ name, to string }{{"ops", h.URL}, {"ben", silent.URL}} {
		w.rules.Load().Notifications().Receiver(of.name).File = filepath.Join(w.dir, of.name)
		if err := os.WriteFile(filepath.Join(w.dir, of.name), []byte("address: "+of.to+"\nsecret: a-secret-of-a-webhook\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n := w.notifier()
	defer n.kill()
	defer close(release)
	n.lookOnce(t)
	for number := range 3 {
		w.engine.ends(record.Record{App: "shop", Number: number + 1, Result: record.Deployed, Cause: record.CausePush, Started: time.Now(), Seconds: 1})
		w.events.Publish(event.Event{App: "shop"})
		n.lookOnce(t)
		<-h.more
	}
	<-asked
	if queue := n.queue("ben"); len(queue) != 3 {
		t.Errorf("%d messages wait for whom does not answer", len(queue))
	}
}

// A receiver that cannot be told anything says why, and nothing of its address.
func TestStateAndTest(t *testing.T) {
	h := newHook(t)
	w := newWorld(t, h.URL)
	n := w.notifier()
	n.lookOnce(t)
	defer n.kill()
	tried, err := n.Test(t.Context(), "ops", rules.AppFailing)
	if err != nil || !tried.Sent || tried.Title != "[test] shop: not healthy" || h.keys()[0] != tried.ID || !h.events[0].Data.Test {
		t.Errorf("tried %+v, %v, told %+v", tried, err, h.events)
	}
	if _, err := n.Test(t.Context(), "nobody", rules.AppFailing); !errors.Is(err, ErrNoReceiver) {
		t.Errorf("of nobody: %v", err)
	}
	for name, spoil := range map[string]func(){
		"no public address": func() { w.set.Reach.Networks = nil; n.Configure(w.set) },
		"notify.files":      func() { w.set.Files = ""; n.Configure(w.set) },
	} {
		sound := w.set
		spoil()
		tried, err := n.Test(t.Context(), "ops", rules.AppFailing)
		if err != nil || tried.Sent || !strings.Contains(tried.Error, name) || strings.Contains(tried.Error, "t0ken") {
			t.Errorf("%s: %+v, %v", name, tried, err)
		}
		w.set = sound
	}
	receivers, trouble := n.State()
	if trouble != "" || len(receivers) != 2 || receivers[0].Address != filepath.Join(w.dir, "ops") || receivers[0].Failing {
		t.Errorf("state %+v, %q", receivers, trouble)
	}
}

// What failed is counted until a message is taken, also where the message itself is given up.
func TestCountsOfALine(t *testing.T) {
	h := newHook(t)
	n := newWorld(t, h.URL).notifier()
	n.lookOnce(t)
	n.kill() // the test sends by itself
	l, m := n.lines["ops"], newMessage("ops", []News{sample(rules.AppFailing)}, time.Now())
	state := func() ReceiverState {
		receivers, _ := n.State()
		return receivers[0]
	}
	h.answer(http.StatusServiceUnavailable)
	l.send(t.Context(), m)
	l.send(t.Context(), m)
	if s := state(); s.Failed != 2 || !s.Failing || s.Tries != 2 || s.Since.IsZero() || s.Sent != 0 {
		t.Errorf("after two tries: %+v", s)
	}
	l.drop(m, "it is refused")
	l.lost(3)
	if s := state(); s.Dropped != 4 || s.Failing || s.Since.IsZero() || s.Error != "it is refused" {
		t.Errorf("given up: %+v", s)
	}
	h.answer(http.StatusOK)
	l.send(t.Context(), m)
	if s := state(); s.Sent != 1 || s.Failed != 2 || s.Dropped != 4 || !s.Since.IsZero() || s.Error != "" {
		t.Errorf("taken: %+v", s)
	}
}

// Whoever is told later is told what happens from then on; a queue of a receiver that is no
// more is dropped.
func TestRulesThatCome(t *testing.T) {
	h := newHook(t)
	h.answer(http.StatusServiceUnavailable)
	w := newWorld(t, h.URL)
	told := w.rules.Load()
	w.rules.Store(rules.None())
	n := w.notifier()
	defer n.kill()
	w.engine.ends(record.Record{App: "shop", Number: 1, Result: record.Failed, Started: time.Now().Add(-time.Hour), Seconds: 1})
	w.events.Publish(event.Event{App: "shop"})
	n.lookOnce(t)
	w.rules.Store(told)
	n.lookOnce(t)
	if queue := n.queue("ops"); len(queue) > 0 || n.ledger.apps["shop"].Deploy != 1 {
		t.Fatalf("of the past is told %+v", queue)
	}
	n.Refused(push.Refusal{Repo: "shop", Branch: "main", Operator: "ana", Reason: "problem at x.yaml:1", Push: "77", Page: "https://pushboat.example.org/refused/X", Time: time.Now()})
	n.Refused(push.Refusal{Repo: "shop", Branch: "main", Operator: "ana", Reason: "problem at x.yaml:2", Push: "78", Time: time.Now()})
	n.lookOnce(t)
	if queue := n.queue("ops"); len(queue) != 1 || queue[0].ID != "push-77.main.refused" || queue[0].News[0].Page != "https://pushboat.example.org/refused/X" {
		t.Fatalf("of refusals is told %+v", queue)
	}
	w.rules.Store(rulesOf(t, ""))
	n.lookOnce(t)
	if !n.ledger.begun.IsZero() {
		t.Error("what was told is remembered although nobody is told anything")
	}
	w.rules.Store(rules.None())
	n.lookOnce(t)
	if len(n.ledger.queues)+len(n.lines) > 0 {
		t.Errorf("queues %v, lines %v", n.ledger.queues, n.lines)
	}
}

// TestWhatEndsBeforeTheFirstLook: the notifier looks a moment after the rules have come into force.
func TestWhatEndsBeforeTheFirstLook(t *testing.T) {
	w := newWorld(t, newHook(t).URL)
	told := w.rules.Load()
	w.rules.Store(rules.None())
	n := w.notifier()
	defer n.kill()
	second := time.Now().Add(-10 * time.Second).Truncate(time.Second)
	ended := func(number int, seconds float64) {
		w.engine.ends(record.Record{App: "shop", Number: number, Repo: "shop", Result: record.Deployed, Cause: record.CausePush, Revision: "3f2c1ab", Started: second, Seconds: seconds})
	}
	n.RulesMoved()
	n.lookOnce(t)
	ended(1, 0.1)
	w.rules.Store(told)
	n.RulesMoved()
	n.beginning.at = second.Add(300 * time.Millisecond)
	n.RulesMoved() // again, which changes nothing
	ended(2, 0.1)
	n.lookOnce(t)
	if queue := n.queue("ops"); len(queue) != 1 || queue[0].ID != "shop-2.deploySucceeded" {
		t.Errorf("the queue is %+v", queue)
	}
	w.rules.Store(rules.None())
	n.lookOnce(t)
	if n.beginning != nil {
		t.Error("the beginning is remembered although nobody is told anything")
	}
}

// A disk that takes nothing loses nothing: the next look decides the same.
func TestDiskThatTakesNothing(t *testing.T) {
	h := newHook(t)
	w := newWorld(t, h.URL)
	n := w.notifier()
	defer n.kill()
	n.lookOnce(t)
	full := errors.New("no space left on device")
	n.journal.fence = func() error { return full }
	w.engine.ends(record.Record{App: "shop", Number: 1, Result: record.Failed, Cause: record.CausePush, Started: time.Now(), Seconds: 1})
	w.events.Publish(event.Event{App: "shop"})
	if wait := n.turn(t.Context()); wait != retryDisk || len(n.queue("ops")) > 0 {
		t.Fatalf("looks again in %s, queue %v", wait, n.queue("ops"))
	}
	n.journal.fence = free
	n.lookOnce(t)
	<-h.more
	if keys := h.keys(); len(keys) != 1 || keys[0] != "shop-1.deployFailed" {
		t.Errorf("told was %v", keys)
	}
}
