package kube

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"k8s.io/client-go/rest"
)

// TestLineLeadsToWhereTheServerIs: clients of a line go on with the new credentials and
// address, and wait for no answer from the former.
func TestLineLeadsToWhereTheServerIs(t *testing.T) {
	asked := make(chan string, 4)
	serve := func(name string, answer http.HandlerFunc) *rest.Config {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- name + " " + r.URL.Path + " " + r.Header.Get("Authorization")
			answer(w, r)
		}))
		t.Cleanup(server.Close)
		return &rest.Config{Host: server.URL, BearerToken: name}
	}
	first := serve("first", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }) // until the client is gone
	second := serve("second", func(http.ResponseWriter, *http.Request) {})
	line := must[*Line](t)(OpenLine(Way{Config: first}))
	client := must[*http.Client](t)(rest.HTTPClientFor(line.Config()))
	get := func() error {
		request := must[*http.Request](t)(http.NewRequestWithContext(context.Background(), http.MethodGet, somewhere+"/version", nil))
		response, err := client.Do(request)
		if err == nil {
			err = response.Body.Close()
		}
		return err
	}
	ended := make(chan error)
	go func() { ended <- get() }()
	if got := <-asked; got != "first /version Bearer first" {
		t.Errorf("asked: %s", got)
	}
	if err := line.Connect(Way{Config: second}); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("a request to the former server was answered")
	}
	if err := get(); err != nil {
		t.Error(err)
	}
	if got := <-asked; got != "second /version Bearer second" {
		t.Errorf("asked: %s", got)
	}
	if err := line.Connect(Way{Config: &rest.Config{Host: "https://cluster", TLSClientConfig: rest.TLSClientConfig{CAData: []byte("none")}}}); err == nil {
		t.Error("a wrong certificate is accepted")
	}
	if err := get(); err != nil {
		t.Errorf("after a way that is none: %v", err)
	}
}
