package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/notify/reach"
	"github.com/pushboat/pushboat/internal/notify/shout"
)

// TestMain is also the program that speaks to services, as the server's own is.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case shout.Command:
		if err := shout.Serve(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
	case "variables":
		fmt.Fprintf(os.Stdout, "{%q: %q}\n", "error", strings.Join(os.Environ(), " "))
	case "silent":
		_, _ = io.Copy(io.Discard, os.Stdin)
		select {}
	case "nonsense":
		_, _ = io.Copy(os.Stdout, os.Stdin)
	case "ends":
		fmt.Fprintln(os.Stderr, canary)
		os.Exit(7)
	default:
		os.Exit(m.Run())
	}
}

// itself is the test as a program.
func itself(t *testing.T, word string) program {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return program{command: []string{path, word}}
}

func TestServices(t *testing.T) {
	status, said := http.StatusOK, make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		text, _ := io.ReadAll(q.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "{}")
		said <- q.Header.Get("Title") + ": " + string(text)
	}))
	defer server.Close()
	to, err := parseTarget("ntfy", []byte("address: ntfy://:"+canary+"@"+strings.TrimPrefix(server.URL, "http://")+"/topic?scheme=http"))
	if err != nil {
		t.Fatal(err)
	}
	if err := itself(t, shout.Command).send(t.Context(), ownMachine, to, words{"title", "text"}); err != nil || <-said != "title: text" {
		t.Errorf("a message: %v", err)
	}
	status = http.StatusServiceUnavailable
	err = itself(t, shout.Command).send(t.Context(), ownMachine, to, words{"title", ""})
	if answer, ok := errors.AsType[*reach.AnswerError](err); !ok || answer.Status != status || <-said != "title: title" {
		t.Errorf("a service that does not take it: %v", err)
	}
	if err := itself(t, shout.Command).send(t.Context(), reach.Reach{}, to, words{"title", "text"}); !strings.Contains(reach.Explain(err), "no public address") {
		t.Errorf("an address that is not public: %v", err)
	}
}

// A program that goes wrong says nothing, has no variable of the server's, and is ended.
func TestProgramsThatGoWrong(t *testing.T) {
	t.Setenv("CANARY", canary)
	to, err := parseTarget("ntfy", []byte("address: ntfy://:"+canary+"@x.org/topic"))
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{
		"variables": "GOTRACEBACK=none",
		"nonsense":  "the program that speaks to services ended without a report",
		"ends":      "the program that speaks to ntfy did not run: exit status 7",
	} {
		if got := reach.Explain(itself(t, word).send(t.Context(), ownMachine, to, words{"title", "text"})); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := reach.Explain(itself(t, "silent").send(ctx, ownMachine, to, words{"title", "text"})); got != "the receiver did not answer in time" {
		t.Errorf("one that does not answer: %q", got)
	}
}
