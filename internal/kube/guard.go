package kube

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Guard registers check, which is called before each request that would change
// something on the cluster; its error prevents the request. Dry runs of an apply are
// not checked.
func (c *Cluster) Guard(check func() error) { c.guard.check.Store(&check) }

// guard is called before each change; by default there is none.
type guard struct{ check atomic.Pointer[func() error] }

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
	if check := t.check.Load(); check != nil && changes(req) {
		if err := (*check)(); err != nil {
			return nil, &guardError{fmt.Errorf("nothing was sent to the cluster: %w", err)}
		}
	}
	return t.next.RoundTrip(req)
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
