package kube

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// someone answers as an API server that says who it is.
type someone struct {
	*httptest.Server

	mu    sync.Mutex
	id    string // "": it has no namespace kube-system; "?": nobody may ask
	asked []string
}

func newSomeone(t *testing.T, id string) *someone {
	t.Helper()
	s := &someone{id: id}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case !strings.HasSuffix(r.URL.Path, identityPath):
			_, _ = io.WriteString(w, `{"gitVersion": "v1.2.3"}`)
		case s.id == "":
			w.WriteHeader(http.StatusNotFound)
		case s.id == "?":
			w.WriteHeader(http.StatusForbidden)
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"metadata": map[string]any{"uid": s.id}})
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// is changes who it is, for the connections to come.
func (s *someone) is(id string) {
	s.mu.Lock()
	s.id = id
	s.mu.Unlock()
	s.CloseClientConnections()
}

// has returns the paths that were asked for since the last call.
func (s *someone) has() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := strings.Join(s.asked, " ")
	s.asked = nil
	return asked
}

func TestLinkAsksWhoItIs(t *testing.T) {
	there := newSomeone(t, "one")
	c := must[*Cluster](t)(Open("east", &rest.Config{Host: there.URL + "/prefix"}, quiet()))
	c.Identify(func(id string) error {
		switch id {
		case "one":
			return nil
		case "":
			return errors.New("it begins")
		}
		return &HeldError{Cluster: "east", Why: "another one"}
	})
	check := func() error {
		_, err := c.Check(t.Context())
		return err
	}
	if err := check(); err != nil {
		t.Fatal(err)
	}
	if got, want := there.has(), "/prefix"+identityPath+" /prefix/version"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	if err := check(); err != nil || there.has() != "/prefix/version" {
		t.Errorf("on the same connection: %v", err)
	}
	there.is("two")
	err := check()
	if !errors.As(err, new(*HeldError)) || !IsUnreachable(err) || err.Error() != "cluster east is held: another one" || c.Held() == nil {
		t.Fatalf("another one: %v", err)
	}
	since := c.Held().Since
	if err := check(); err == nil || !c.Held().Since.Equal(since) {
		t.Errorf("again: %v, since %v, was %v", err, c.Held().Since, since)
	}
	there.is("")
	if err := check(); err == nil || !IsUnreachable(err) || c.Held() != nil {
		t.Errorf("one that begins: %v, %v", err, c.Held())
	}
	there.is("one")
	if err := check(); err != nil || c.Held() != nil {
		t.Errorf("back: %v, %v", err, c.Held())
	}
	there.has()
	there.is("?")
	for range 2 {
		if err := check(); err != nil {
			t.Errorf("without the right: %v", err)
		}
		if got := there.has(); !strings.Contains(got, identityPath) {
			t.Errorf("it has told before, and is not asked again: %s", got)
		}
	}
}

func TestLinkLeadsElsewhere(t *testing.T) {
	there, other := newSomeone(t, "one"), newSomeone(t, "one")
	c := must[*Cluster](t)(Open("east", &rest.Config{Host: there.URL}, quiet()))
	check := func() error {
		_, err := c.Check(t.Context())
		return err
	}
	c.Hold(HeldError{Cluster: "east", Why: "nobody names it"})
	if err := check(); err == nil || err.Error() != "cluster east is held: nobody names it" || there.has() != "" {
		t.Errorf("held: %v", err)
	}
	if err := c.Connect(Way{Config: &rest.Config{Host: other.URL}}); err != nil {
		t.Fatal(err)
	}
	if err := check(); err != nil || other.has() != "/version" || there.has() != "" {
		t.Errorf("elsewhere: %v", err)
	}
}

// TestLinkWithoutTheRight: a server that never could ask does not ask before each request.
func TestLinkWithoutTheRight(t *testing.T) {
	there := newSomeone(t, "?")
	c := must[*Cluster](t)(Open("east", &rest.Config{Host: there.URL}, quiet()))
	c.Identify(func(string) error { return errors.New("never called") })
	for range 2 {
		if _, err := c.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := there.has(); strings.Count(got, identityPath) != 1 {
		t.Errorf("asked %s", got)
	}
	if id, err := c.Identity(t.Context()); err != nil || id != "" {
		t.Errorf("it is %q, %v", id, err)
	}
}
