package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/deploy"
)

// act sends the body of an action to the operation of a path, past the decision about an app.
func (o *office) act(t *testing.T, path, query string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	row := apiRoute(t, "POST", path)
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/x"+query, nil)
	r.SetPathValue("app", "shop")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	ana := o.guest(t, "ana", access.RoleAdmin)
	v := &visit{
		door: o.Door, w: w, r: r, api: row.api, app: deploy.Status{App: "shop"}, caller: ana.caller, bearer: &bearer{key: ana.key},
	}
	if err := row.serve(v); err != nil {
		v.answerError(err)
	}
	return w
}

func TestActionsReadTheirBody(t *testing.T) {
	o := newOffice(t)
	for _, test := range []struct {
		path, query, kind, body string
		want                    int
		words                   string
	}{
		{"/apps/{app}/sync", "", "", "", 200, "sync --detach -- shop"},
		{"/apps/{app}/sync", "?wait=1", "application/json", "{}", 200, "sync -- shop"},
		{"/apps/{app}/sync", "", "application/json; charset=utf-8", `{"force": true, "confirmPrune": 3, "override": "a b"}`, 200, "sync --detach --force=true --confirm-prune=3 --override=a b -- shop"},
		{"/apps/{app}/rollback", "", "application/json", `{"to": "--plan"}`, 200, "rollback --detach -- shop --plan"},
		{"/apps/{app}/rollback", "", "", "", 400, ""},
		{"/apps/{app}/restart", "", "application/json", `{"object": "deploy/web"}`, 200, "restart -- shop deploy/web"},
		{"/apps/{app}/sync", "", "text/plain", "{}", 415, ""},
		{"/apps/{app}/sync", "", "application/x-www-form-urlencoded", "force=true", 415, ""},
		{"/apps/{app}/sync", "", "", "{}", 415, ""},
		{"/apps/{app}/sync", "", "application/json", `{"force": "true"}`, 400, ""},
		{"/apps/{app}/sync", "", "application/json", `{"force": null}`, 400, ""},
		{"/apps/{app}/sync", "", "application/json", `{"confirmPrune": 1.5}`, 400, ""},
		{"/apps/{app}/sync", "", "application/json", `{"confirmPrune": -1}`, 400, ""},
		{"/apps/{app}/sync", "", "application/json", `{"all": true}`, 400, ""},
		{"/apps/{app}/sync", "", "application/json", `[]`, 400, ""},
		{"/apps/{app}/sync", "", "application/json", `null`, 400, ""},
		{"/apps/{app}/sync", "", "application/json", `{} {}`, 400, ""},
		{"/apps/{app}/sync", "", "application/json", `{`, 400, ""},
		{"/apps/{app}/sync", "", "application/json", `{"override": "a\u001bb"}`, 400, ""},
		{"/apps/{app}/sync", "", "application/json", `{"override": "` + strings.Repeat("x", maxBody) + `"}`, 413, ""},
		{"/apps/{app}/sync", "?wait=601", "", "", 400, ""},
		{"/apps/{app}/sync", "?wait=0", "", "", 400, ""},
		{"/apps/{app}/sync", "?force=true", "", "", 400, ""},
	} {
		o.asked, o.prints = nil, "said\n"
		answer := o.act(t, test.path, test.query, withBody(test.kind, test.body))
		words := ""
		if len(o.asked) > 0 {
			words = strings.Join(o.asked[0].words, " ")
		}
		if answer.Code != test.want || words != test.words {
			t.Errorf("%s%s %q: %d, ran %q, want %d, %q\n%s", test.path, test.query, bounded(test.body, 60), answer.Code, words, test.want, test.words, bounded(answer.Body.String(), 300))
		}
		if test.want != 200 {
			holdsProblem(t, test.path, answer, test.want)
		}
	}
}

func TestActionsSayHowTheyEnd(t *testing.T) {
	o := newOffice(t)
	o.prints = "shop: one\nshop: two\n"
	var end outcome
	answer := o.act(t, "/apps/{app}/suspend", "", withBody("application/json", `{"reason": "x"}`))
	if err := json.Unmarshal(answer.Body.Bytes(), &end); err != nil || !end.Ended || end.App != "shop" || len(end.Output) != 2 {
		t.Errorf("%v: %s", err, answer.Body)
	}
	o.fails = errors.New("app shop is suspended")
	p := holdsProblem(t, "refused", o.act(t, "/apps/{app}/sync", "", nil), http.StatusConflict)
	if p.Detail != o.fails.Error() || len(p.Output) != 2 {
		t.Errorf("%+v", p)
	}
	o.prints, o.fails = `[{"app": "shop"}]`, errors.New("it differs")
	if answer := o.act(t, "/apps/{app}/check", "", nil); answer.Code != 200 || answer.Body.String() != o.prints {
		t.Errorf("check: %d %s", answer.Code, answer.Body)
	}
}

// TestActionsGoOnWithoutTheirProgram: one that goes away stops nothing.
func TestActionsGoOnWithoutTheirProgram(t *testing.T) {
	o := newOffice(t)
	ran, began := make(chan error, 1), make(chan struct{})
	release := make(chan struct{})
	o.Run = func(ctx context.Context, _ command.Session, _ []string) int {
		close(began)
		<-release
		ran <- ctx.Err()
		return 0
	}
	gone, leave := context.WithCancel(t.Context())
	answered := make(chan *httptest.ResponseRecorder)
	go func() {
		answered <- o.act(t, "/apps/{app}/sync", "?wait=600", func(r *http.Request) { *r = *r.WithContext(gone) })
	}()
	<-began
	leave()
	var end outcome
	answer := <-answered
	if err := json.Unmarshal(answer.Body.Bytes(), &end); err != nil || answer.Code != http.StatusAccepted || end.Ended {
		t.Errorf("%d %v: %s", answer.Code, err, answer.Body)
	}
	close(release)
	if err := <-ran; err != nil {
		t.Errorf("the verb was ended: %v", err)
	}
}

// follow opens a stream of events at a real server, whose verb prints lines as they come.
func (o *office) follow(t *testing.T, bearer string, lines <-chan string) (*bufio.Reader, <-chan struct{}) {
	t.Helper()
	ended := make(chan struct{})
	o.Run = func(ctx context.Context, s command.Session, _ []string) int {
		defer close(ended)
		for {
			select {
			case line := <-lines:
				if _, err := io.WriteString(s, line); err != nil {
					return 1
				}
			case <-s.Gone():
				return 0
			case <-ctx.Done():
				return 0
			}
		}
	}
	server := httptest.NewServer(o.Door)
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+apiPath+"/events?follow=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	request.Header.Set("Authorization", "Bearer "+bearer)
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s %v", response.Status, response.Header)
	}
	return bufio.NewReader(response.Body), ended
}

func readMessage(t *testing.T, from *bufio.Reader) string {
	t.Helper()
	var text strings.Builder
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			t.Fatalf("after %q: %v", text.String(), err)
		}
		if line == "\n" && strings.HasPrefix(text.String(), ":") { // a comment
			text.Reset()
			continue
		}
		if line == "\n" {
			return text.String()
		}
		text.WriteString(line)
	}
}

func TestStreamsHaveCursors(t *testing.T) {
	o := newOffice(t)
	text, _ := o.give(t, o.guest(t, "ana", access.RoleAdmin), access.Token{Role: access.RoleRead})
	lines := make(chan string, 3)
	stream, _ := o.follow(t, text, lines)
	lines <- `{"number": 41, "kind": "deploy",` // a part of a line
	lines <- ` "text": "a"}` + "\n" + `{"number": 42, "kind": "drift"}` + "\n"
	if got, want := readMessage(t, stream), "id: "+o.cursor(41)+"\nevent: deploy\ndata: {\"number\": 41, \"kind\": \"deploy\", \"text\": \"a\"}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := readMessage(t, stream); !strings.HasPrefix(got, "id: "+o.cursor(42)+"\nevent: drift\n") {
		t.Errorf("got %q", got)
	}
}

// TestStreamsEnd: with their token, with its key, and with rights of the key.
func TestStreamsEnd(t *testing.T) {
	for what, change := range map[string]func(o *office, id, key string){
		"revoked": func(o *office, id, _ string) { _, _ = o.Tokens.Revoke(id) },
		"key removed": func(o *office, _, key string) {
			changing.Lock()
			defer changing.Unlock()
			delete(o.keys, key)
		},
		"role lost": func(o *office, _, key string) {
			changing.Lock()
			defer changing.Unlock()
			op := o.keys[key]
			op.Role = access.RoleRead
			o.keys[key] = op
		},
		"server stops": func(o *office, _, _ string) { o.work.close() },
	} {
		o := newOffice(t)
		ana := o.guest(t, "ana", access.RoleAdmin)
		text, made := o.give(t, ana, access.Token{Role: access.RoleRead})
		stream, ended := o.follow(t, text, nil)
		change(o, made.ID, ana.caller.Fingerprint)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatalf("%s: the verb goes on", what)
		}
		if _, err := io.Copy(io.Discard, stream); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestStreamsOfATokenAreBounded: one too many is refused, and the others go on.
func TestStreamsOfATokenAreBounded(t *testing.T) {
	o := newOffice(t)
	text, made := o.give(t, o.guest(t, "ana", access.RoleAdmin), access.Token{Role: access.RoleRead})
	for range maxTokensStreams {
		if _, err := o.calls.follow(made.ID); err != nil {
			t.Fatal(err)
		}
	}
	holdsProblem(t, "one too many", o.call(t, "GET", apiPath+"/events?follow=true", text, nil), http.StatusTooManyRequests)
}
