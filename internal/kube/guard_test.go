package kube

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
)

func TestWhatAGuardIsAskedAbout(t *testing.T) {
	for request, want := range map[string]bool{
		"GET /api/v1/secrets":                  false,
		"GET /api/v1/secrets?watch=true":       false,
		"HEAD /":                               false,
		"OPTIONS /":                            false,
		"PATCH /api/v1/namespaces/a/secrets/b": true,
		"PATCH /api/v1/namespaces/a/secrets/b?dryRun=All":       false,
		"PATCH /api/v1/namespaces/a/secrets/b?dryRun=":          true,
		"PATCH /api/v1/namespaces/a/secrets/b?dryRun=Some":      true,
		"PUT /api/v1/namespaces/a/secrets/b":                    true,
		"POST /api/v1/namespaces/a/secrets?fieldManager=dryRun": true,
		"DELETE /api/v1/namespaces/a/secrets/b":                 true,
	} {
		var method, uri string
		for i, c := range request {
			if c == ' ' {
				method, uri = request[:i], request[i+1:]
			}
		}
		if got := changes(httptest.NewRequest(method, uri, http.NoBody)); got != want {
			t.Errorf("%s: %v", request, got)
		}
	}
}

// TestGuardKeepsChangesBack: a request that the guard refuses is not sent. The guard's
// error is returned, and does not count as an unreachable cluster, which would cause a
// retry.
func TestGuardKeepsChangesBack(t *testing.T) {
	var (
		mu  sync.Mutex
		got []string
	)
	c := secretServer(t, func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Method)
	})
	secret := secretObject()
	refusal := errors.New("stale")
	c.Guard(t.Context(), func() error { return refusal })
	_, err := c.Apply(t.Context(), secrets, secret, ApplyOptions{})
	if !errors.Is(err, refusal) || IsUnreachable(err) || IsTransient(err) {
		t.Errorf("an apply: %v", err)
	}
	if err := c.Delete(t.Context(), secrets, "b", "a", DeleteOptions{}); !errors.Is(err, refusal) {
		t.Errorf("a deletion: %v", err)
	}
	if _, err := c.Apply(t.Context(), secrets, secret, ApplyOptions{DryRun: true}); err != nil {
		t.Errorf("a dry run: %v", err)
	}
	if _, err := c.Get(t.Context(), secrets, "b", "a"); err != nil {
		t.Errorf("a read: %v", err)
	}
	c.Guard(t.Context(), func() error { return nil })
	if _, err := c.Apply(t.Context(), secrets, secret, ApplyOptions{}); err != nil {
		t.Errorf("an apply that is let through: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"PATCH", "GET", "PATCH"}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

// secretServer answers every request with a Secret, after it has reported the request.
func secretServer(t *testing.T, tell func(*http.Request)) *Cluster {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		tell(r)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","namespace":"b","uid":"u"}}`)
	}))
	server.EnableHTTP2 = true // as on API servers
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	c, err := Open("default", &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func secretObject() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "a", "namespace": "b"}}}
}

// TestFrozenProcessSendsNothing: a process freezes right after the guard was asked, for
// longer than the guard's answer counts. When it goes on, it sends nothing, neither on an
// existing connection nor on a new one.
func TestFrozenProcessSendsNothing(t *testing.T) {
	for name, connected := range map[string]bool{"with a connection": true, "without one": false} {
		t.Run(name, func(t *testing.T) {
			var changed atomic.Int32
			c := secretServer(t, func(r *http.Request) {
				if r.Method == http.MethodPatch {
					changed.Add(1)
				}
			})
			if connected {
				if _, err := c.Get(t.Context(), secrets, "b", "a"); err != nil {
					t.Fatal(err)
				}
			}
			standing, fall := context.WithCancelCause(t.Context())
			stale := errors.New("stale")
			frozen := false
			var mu sync.Mutex
			c.Guard(standing, func() error {
				mu.Lock()
				defer mu.Unlock()
				if frozen { // another server has taken the place meanwhile
					fall(stale)
					return stale
				}
				frozen = true
				<-time.After(answerFor)
				return nil
			})
			if _, err := c.Apply(t.Context(), secrets, secretObject(), ApplyOptions{}); !errors.Is(err, stale) || IsUnreachable(err) || IsTransient(err) {
				t.Errorf("the apply: %v", err)
			}
			if n := changed.Load(); n > 0 {
				t.Errorf("%d changes were sent", n)
			}
		})
	}
}

// TestChangesAreBrokenOff: a change that waits for its answer is broken off, so that an API
// server that has not begun with it does not have to.
func TestChangesAreBrokenOff(t *testing.T) {
	came, broken := make(chan struct{}), make(chan struct{})
	c := secretServer(t, func(r *http.Request) {
		if r.Method == http.MethodPatch {
			close(came)
			<-r.Context().Done()
			close(broken)
		}
	})
	standing, fall := context.WithCancelCause(t.Context())
	c.Guard(standing, func() error { return nil })
	stale := errors.New("stale")
	go func() {
		<-came
		fall(stale)
	}()
	if _, err := c.Apply(t.Context(), secrets, secretObject(), ApplyOptions{}); !errors.Is(err, stale) || IsUnreachable(err) {
		t.Errorf("the apply: %v", err)
	}
	<-broken
	if _, err := c.Get(t.Context(), secrets, "b", "a"); err != nil {
		t.Errorf("a read after it: %v", err)
	}
}

func TestHowLongAnAnswerCounts(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		asked time.Time
		want  bool
	}{
		"just now":              {now, true},
		"a moment ago":          {now.Add(-answerFor / 2), true},
		"before a freeze":       {now.Add(-answerFor), false},
		"before the sleep":      {now.Round(0).Add(-time.Hour), false},
		"by a clock put back":   {now.Round(0).Add(time.Hour), true},
		"in one process's life": {now.Add(-24 * time.Hour), false},
	} {
		if got := isFresh(test.asked, now); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestUnansweredChecksBreakNoConnection: an epoch that cannot be read for a moment breaks
// no connection.
func TestUnansweredChecksBreakNoConnection(t *testing.T) {
	r := &rule{standing: t.Context(), check: func() error { return errors.New("cannot be read") }}
	r.changes.Add(1)
	if err := r.mayLeave(time.Now()); err != nil {
		t.Error(err)
	}
}
