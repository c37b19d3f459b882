package kube

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Guard registers check, which is called before each request that would change
// something on the cluster; its error prevents the request. When standing ends, changes
// that are being sent or wait for their responses are cancelled. Dry runs of an apply are
// not checked.
func (c *Cluster) Guard(standing context.Context, check func() error) {
	c.guard.rule.Store(&rule{standing: standing, check: check})
}

// guard is called before each change; by default there is none.
type guard struct{ rule atomic.Pointer[rule] }

// rule says whether this process may change the cluster.
type rule struct {
	standing context.Context
	check    func() error
	asked    atomic.Pointer[time.Time] // when check last returned nil
	changes  atomic.Int64              // being sent, or waiting for their responses
}

// answerFor is how long the result of a check counts. A process may freeze between the
// check and the sending of a request, so an older result is checked again when the bytes
// leave. A server that takes over needs longer than this before it changes anything.
const answerFor = 50 * time.Millisecond

// ask calls check. Its result is as old as the call's beginning.
func (r *rule) ask() error {
	now := time.Now()
	if err := r.check(); err != nil {
		return err
	}
	r.asked.Store(&now)
	return nil
}

// mayLeave returns an error if the bytes may be those of a change, and this process may
// change the cluster no more. A check that fails for another reason holds no bytes back:
// they may belong to other requests.
func (r *rule) mayLeave(now time.Time) error {
	if r.changes.Load() == 0 {
		return nil
	}
	asked := r.asked.Load()
	if r.standing.Err() == nil && asked != nil && isFresh(*asked, now) {
		return nil
	}
	if err := r.ask(); err != nil && r.standing.Err() != nil {
		return &guardError{fmt.Errorf("nothing more is sent to the cluster: %w", err)}
	}
	return nil
}

// isFresh reports whether a result still counts, by both clocks: the monotonic clock stops
// while the machine sleeps, and the wall clock may be set.
func isFresh(asked, now time.Time) bool {
	return now.Sub(asked) < answerFor && now.Round(0).Sub(asked.Round(0)) < answerFor
}

// guardError is the refusal of a guard. It is not a failure to reach the cluster, and
// does not go away.
type guardError struct{ error }

func (e *guardError) Unwrap() error { return e.error }

func isGuarded(err error) bool { return errors.As(err, new(*guardError)) }

// guarded sends the requests that the guard lets through.
type guarded struct {
	next http.RoundTripper
	*guard
}

// RoundTrip implements http.RoundTripper.
func (t guarded) RoundTrip(req *http.Request) (*http.Response, error) {
	rule := t.rule.Load()
	if rule == nil || !changes(req) {
		return t.next.RoundTrip(req)
	}
	if err := rule.ask(); err != nil {
		return nil, &guardError{fmt.Errorf("nothing was sent to the cluster: %w", err)}
	}
	return rule.send(t.next, req)
}

// send sends a change, and breaks it off once standing has ended.
func (r *rule) send(by http.RoundTripper, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	forget := context.AfterFunc(r.standing, cancel)
	end := func() { forget(); cancel() }
	r.changes.Add(1)
	resp, err := by.RoundTrip(req.WithContext(ctx))
	r.changes.Add(-1)
	if err != nil {
		end()
		if r.standing.Err() != nil {
			return nil, &guardError{fmt.Errorf("the request to the cluster was broken off: %w", context.Cause(r.standing))}
		}
		return nil, err
	}
	resp.Body = &cancelBody{resp.Body, end}
	return resp, nil
}

// WrappedRoundTripper lets client-go look through the wrapper.
func (t guarded) WrappedRoundTripper() http.RoundTripper { return t.next }

// changes reports whether a request may change an object of the cluster.
func changes(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return req.URL.Query().Get("dryRun") != metav1.DryRunAll
}

// dial opens connections on which the guard has the last word.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

func (g *guard) over(next dial) dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := next(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return guardedConn{conn, g}, nil
	}
}

// guardedConn writes what may leave at the moment of the write. One that was refused a
// write is of no use any more.
type guardedConn struct {
	net.Conn
	*guard
}

// Write implements net.Conn.
func (c guardedConn) Write(bytes []byte) (int, error) {
	if rule := c.rule.Load(); rule != nil {
		if err := rule.mayLeave(time.Now()); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(bytes)
}
