package kube

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"
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

// A request that the guard refuses is not sent. The guard's error is not lost, and not
// taken for a cluster that is away, which would cause a retry.
func TestGuardKeepsChangesBack(t *testing.T) {
	var (
		mu  sync.Mutex
		got []string
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Method)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","namespace":"b","uid":"u"}}`)
	}))
	defer server.Close()
	c, err := Open("default", &rest.Config{Host: server.URL}, logrus.NewEntry(logrus.New()))
	if err != nil {
		t.Fatal(err)
	}
	secret := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "a", "namespace": "b"}}}
	refusal := errors.New("stale")
	c.Guard(func() error { return refusal })
	_, err = c.Apply(t.Context(), secrets, secret, ApplyOptions{})
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
		t.Errorf("a question: %v", err)
	}
	c.Guard(func() error { return nil })
	if _, err := c.Apply(t.Context(), secrets, secret, ApplyOptions{}); err != nil {
		t.Errorf("an apply that is let through: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"PATCH", "GET", "PATCH"}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}
