package trace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

// Config has what a Tracer needs. Every field but Headers is required.
type Config struct {
	URL      string            // where spans go, with the path
	Headers  map[string]string // of each request
	Resource map[string]string // who this server is
	Client   http.RoundTripper
	Log      *logrus.Entry
}

// Tracer begins traces, and sends their spans. The nil Tracer is that of a server whose
// traces are off.
type Tracer struct {
	config Config
	client *http.Client
	queue  chan *Span
	stop   chan struct{}
	ended  chan struct{}
	once   sync.Once
	failed bool // the last request, which is logged

	sent, dropped atomic.Int64
}

// Bounds of what waits to be sent, and of a request.
const (
	maxQueue    = 4096
	maxBatch    = 512
	batchEvery  = 2 * time.Second
	sendTimeout = 10 * time.Second
	tries       = 4
	firstRetry  = time.Second
	maxAnswer   = 64 << 10
	closeWithin = 3 * time.Second
)

// New makes a Tracer.
func New(config Config) *Tracer {
	t := &Tracer{
		config: config, queue: make(chan *Span, maxQueue), stop: make(chan struct{}), ended: make(chan struct{}),
		client: &http.Client{Transport: config.Client, Timeout: sendTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	go t.run()
	return t
}

// Counts tells how many spans were sent, and how many were dropped because the receiver was
// away or a trace had too many.
func (t *Tracer) Counts() (sent, dropped int64) {
	if t == nil {
		return 0, 0
	}
	return t.sent.Load(), t.dropped.Load()
}

// take has a span sent. It never waits.
func (t *Tracer) take(s *Span) {
	select {
	case t.queue <- s:
	default:
		t.dropped.Add(1)
	}
}

// Close sends what waits, within closeWithin.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	t.once.Do(func() { close(t.stop) })
	select {
	case <-t.ended:
	case <-time.After(closeWithin):
	}
}

// run sends spans together: those of batchEvery, or maxBatch of them.
func (t *Tracer) run() {
	defer close(t.ended)
	ticker := time.NewTicker(batchEvery)
	defer ticker.Stop()
	var batch []*Span
	for {
		select {
		case s := <-t.queue:
			if batch = append(batch, s); len(batch) < maxBatch {
				continue
			}
		case <-ticker.C:
		case <-t.stop:
			t.sendRest(batch)
			return
		}
		t.deliver(batch)
		batch = nil
	}
}

// sendRest sends what is left at the end, with one try.
func (t *Tracer) sendRest(batch []*Span) {
	for {
		select {
		case s := <-t.queue:
			batch = append(batch, s)
			continue
		default:
		}
		break
	}
	t.note(len(batch), t.send(batch))
}

// deliver sends a batch, and tries again while the receiver is away.
func (t *Tracer) deliver(batch []*Span) {
	err := t.send(batch)
	for try, wait := 1, firstRetry; try < tries && errors.As(err, new(*awayError)); try, wait = try+1, 2*wait {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-t.stop:
			timer.Stop()
			t.note(len(batch), err)
			return
		}
		err = t.send(batch)
	}
	t.note(len(batch), err)
}

// note counts a batch, and logs that the receiver takes none, or takes them again.
func (t *Tracer) note(spans int, err error) {
	switch {
	case spans == 0:
		return
	case err != nil:
		t.dropped.Add(int64(spans))
		if !t.failed {
			t.config.Log.Warnf("traces: %v; spans are dropped until the receiver takes them", err)
		}
	default:
		t.sent.Add(int64(spans))
		if t.failed {
			t.config.Log.Info("traces: the receiver takes spans again")
		}
	}
	t.failed = err != nil
}

// awayError is of a receiver that may take the same spans later.
type awayError struct{ error }

// Unwrap returns the cause.
func (e *awayError) Unwrap() error { return e.error }

func (t *Tracer) send(batch []*Span) error {
	if len(batch) == 0 {
		return nil
	}
	body, err := encode(t.config.Resource, batch)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.config.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the receiver's address: %w", err)
	}
	for name, value := range t.config.Headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := t.client.Do(request)
	if err != nil {
		return &awayError{fmt.Errorf("the receiver does not answer: %w", err)}
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // so that the connection is used again
	switch answer.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &awayError{fmt.Errorf("the receiver answers %s", answer.Status)}
	}
	return fmt.Errorf("the receiver answers %s", answer.Status)
}
