package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/deploy"
)

// ran is a verb that the door has run.
type ran struct {
	caller access.Caller
	words  []string
}

// office is a door with an API, whose verbs print what the test says.
type office struct {
	*house
	asked  []ran
	prints string
	fails  error
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{prints: "{}"}
	o.house = newHouse(t, func(c *Config) {
		c.Apps.Engine = deploy.New(deploy.Config{})
		c.Apps.Engine.Stop(t.Context()) // it has no apps, and waits for none
		c.Run = func(_ context.Context, s command.Session, words []string) int {
			o.asked = append(o.asked, ran{s.Caller(), words})
			_, _ = io.WriteString(s, o.prints)
			if hearer, ok := s.(command.Hearer); ok && o.fails != nil {
				hearer.Failed(o.fails)
				return 1
			}
			return 0
		}
	})
	return o
}

// give makes a token for somebody.
func (h *house) give(t *testing.T, who guest, bounds access.Token) (text string, made token.Token) {
	t.Helper()
	text, made, err := h.Tokens.Make(token.New{
		Operator: who.caller.Operator, Key: who.key, Fingerprint: who.caller.Fingerprint, Bounds: bounds, Expires: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	return text, made
}

// call is a request of a program.
func (h *house) call(t *testing.T, method, path, bearer string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Host, r.RemoteAddr = host, "192.0.2.9:1234"
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// holdsProblem holds an answer to the form of problems.
func holdsProblem(t *testing.T, what string, w *httptest.ResponseRecorder, status int) (p problem) {
	t.Helper()
	err := json.Unmarshal(w.Body.Bytes(), &p)
	if w.Code != status || err != nil || w.Header().Get("Content-Type") != "application/problem+json" || p.Status != status || p.Detail == "" || p.Title != http.StatusText(status) {
		t.Errorf("%s: %d, want %d: %v\n%s", what, w.Code, status, w.Header(), w.Body)
	}
	return p
}

func withBody(kind, body string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", kind)
	}
}

// TestTokensOpenTheAPI: by the whole text in one header, with the rights of its key.
func TestTokensOpenTheAPI(t *testing.T) {
	o := newOffice(t)
	ana := o.guest(t, "ana", access.RoleAdmin)
	good, made := o.give(t, ana, access.Token{Role: access.RoleRead, Repos: "shop"})
	answer := o.call(t, "GET", apiPath+"/whoami", good, nil)
	if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != "application/json" || answer.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", answer.Code, answer.Header())
	}
	want := ran{access.Caller{
		Operator: "ana", Fingerprint: ana.caller.Fingerprint, Role: access.RoleAdmin, Remote: "192.0.2.9:1234",
		Door: access.API, Token: access.Token{ID: made.ID, Role: access.RoleRead, Repos: "shop"},
	}, []string{"whoami", "-o", "json"}}
	if !reflect.DeepEqual(o.asked, []ran{want}) {
		t.Errorf("ran %+v, want %+v", o.asked, want)
	}
	if e := o.trail.last(); e.Kind != audit.Login || e.Decision != audit.Allowed || e.Door != "api" || e.Token != made.ID || e.Operator != "ana" {
		t.Errorf("on the trail: %+v", e)
	}
	lines := len(o.trail.events)
	if o.call(t, "GET", apiPath+"/whoami", good, nil); len(o.trail.events) != lines {
		t.Error("each use from the same address is a line on the trail")
	}
	if used := o.Tokens.List("ana")[0]; used.Address != "192.0.2.9" || used.Used.IsZero() {
		t.Errorf("the last use is not noted: %+v", used)
	}
	for what, header := range map[string][]string{
		"none": nil, "another scheme": {"Basic " + good}, "no scheme": {good}, "two": {"Bearer " + good, "Bearer " + good}, "cut": {"Bearer " + good[:len(good)-1]},
		"longer": {"Bearer " + good + "x"}, "two blanks": {"Bearer  " + good}, "an id": {"Bearer " + made.ID}, "empty": {"Bearer "}, "a list": {"Bearer " + good + ", Bearer x"},
	} {
		refused := o.call(t, "GET", apiPath+"/whoami", "", func(r *http.Request) { r.Header["Authorization"] = header })
		holdsProblem(t, what, refused, http.StatusUnauthorized)
		if challenge := refused.Header().Get("WWW-Authenticate"); !strings.HasPrefix(challenge, `Bearer realm="pushboat"`) || (what == "none") == strings.Contains(challenge, "invalid_token") {
			t.Errorf("%s: the challenge is %q", what, challenge)
		}
	}
}

// TestTokenEndsWithItsKey: at once, and not for good, since the key may be wrong for a moment.
func TestTokenEndsWithItsKey(t *testing.T) {
	o := newOffice(t)
	ana := o.guest(t, "ana", access.RoleAdmin)
	good, made := o.give(t, ana, access.Token{Role: access.RoleRead})
	fingerprint := ana.caller.Fingerprint
	was := o.keys[fingerprint]
	for what, change := range map[string]func(op access.Operator) (access.Operator, bool){
		"removed":     func(op access.Operator) (access.Operator, bool) { return op, false },
		"renamed":     func(op access.Operator) (access.Operator, bool) { op.Name = "ben"; return op, true },
		"elsewhere":   func(op access.Operator) (access.Operator, bool) { op.From = "198.51.100.0/24"; return op, true },
		"one command": func(op access.Operator) (access.Operator, bool) { op.Command = "status"; return op, true },
	} {
		now, stays := change(was)
		if o.keys[fingerprint] = now; !stays {
			delete(o.keys, fingerprint)
		}
		holdsProblem(t, what, o.call(t, "GET", apiPath+"/whoami", good, nil), http.StatusUnauthorized)
		if e := o.trail.last(); e.Decision != audit.Refused || e.Token != made.ID || e.Operator != "ana" || e.Reason == "" {
			t.Errorf("%s: on the trail: %+v", what, e)
		}
		o.keys[fingerprint] = was
		if again := o.call(t, "GET", apiPath+"/whoami", good, nil); again.Code != http.StatusOK {
			t.Errorf("%s, and taken back: %d", what, again.Code)
		}
	}
	if _, err := o.Tokens.Revoke(made.ID); err != nil {
		t.Fatal(err)
	}
	holdsProblem(t, "revoked", o.call(t, "GET", apiPath+"/whoami", good, nil), http.StatusUnauthorized)
}

// TestTokensAreOnlyForTheAPI: and cookies are only for pages.
func TestTokensAreOnlyForTheAPI(t *testing.T) {
	o := newOffice(t)
	ana := o.guest(t, "ana", access.RoleAdmin)
	good, _ := o.give(t, ana, access.Token{Role: access.RoleAdmin})
	for _, path := range []string{"/", "/help", "/server", "/audit"} {
		if page := o.call(t, "GET", path, good, nil); page.Code != http.StatusUnauthorized {
			t.Errorf("a token opens %s: %d", path, page.Code)
		}
	}
	b := &browser{house: o.house}
	b.logIn(t, ana)
	holdsProblem(t, "a cookie", b.get(t, apiPath+"/whoami"), http.StatusUnauthorized)
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.AddCookie(&http.Cookie{Name: b.cookies[0].Name, Value: good}) },
		func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "token", Value: good}) },
		func(r *http.Request) { r.Header.Set("X-Token", good) },
		func(r *http.Request) { r.SetBasicAuth("ana", good) },
	} {
		holdsProblem(t, "a token elsewhere", o.call(t, "GET", apiPath+"/whoami", "", change), http.StatusUnauthorized)
	}
}

// TestTokensAreNarrowed: the right beside the route is judged within the token's bounds.
func TestTokensAreNarrowed(t *testing.T) {
	o := newOffice(t)
	ana, ben := o.guest(t, "ana", access.RoleAdmin), o.guest(t, "ben", access.RoleRead)
	for _, test := range []struct {
		who    guest
		bounds access.Token
		path   string
		want   int
	}{
		{ana, access.Token{Role: access.RoleAdmin}, "/doctor", 200},
		{ana, access.Token{Role: access.RoleRead}, "/doctor", 403},
		{ana, access.Token{Role: access.RoleRead}, "/clusters", 200},
		{ana, access.Token{Role: access.RoleAdmin, Repos: "*"}, "/clusters", 403},
		{ana, access.Token{Role: access.RoleAdmin, Repos: "shop"}, "/repos/shop", 200},
		{ana, access.Token{Role: access.RoleAdmin, Repos: "shop"}, "/repos/blog", 404},
		{ana, access.Token{Role: access.RoleRead}, "/repos/admin", 404},
		{ana, access.Token{Role: access.RoleAdmin, Repos: "shop"}, "/access/blog?who=ana", 404},
		{ben, access.Token{Role: access.RoleAdmin}, "/doctor", 403},
		{ben, access.Token{Role: access.RoleAdmin}, "/audit", 403},
		{ben, access.Token{Role: access.RoleRead}, "/apps/nosuch", 404},
		{ben, access.Token{Role: access.RoleRead}, "/deploys/nosuch-1", 404},
		{ben, access.Token{Role: access.RoleRead}, "/deploys/x", 404},
	} {
		text, made := o.give(t, test.who, test.bounds)
		o.asked, o.prints = nil, "[]"
		answer := o.call(t, "GET", apiPath+test.path, text, nil)
		if answer.Code != test.want || (len(o.asked) > 0) != (test.want == 200) {
			t.Errorf("%s of %s with %+v: %d, ran %v\n%s", test.path, test.who.caller.Operator, test.bounds, answer.Code, o.asked, answer.Body)
		}
		if test.want != 200 {
			holdsProblem(t, test.path, answer, test.want)
		}
		if e := o.trail.last(); test.want == 403 && (e.Kind != audit.Verb || e.Decision != audit.Refused || e.Token != made.ID || e.Door != "api") {
			t.Errorf("%s: on the trail: %+v", test.path, e)
		}
	}
}

func TestErrorsHaveTheirStatus(t *testing.T) {
	o := newOffice(t)
	text, _ := o.give(t, o.guest(t, "ana", access.RoleAdmin), access.Token{Role: access.RoleAdmin})
	for _, test := range []struct {
		err  error
		want int
	}{
		{fmt.Errorf("cluster %q %w", "eu", command.ErrNotFound), 404},
		{fmt.Errorf("x: %w", command.ErrUsage), 400},
		{&access.DeniedError{Right: access.Examine}, 403},
		{context.DeadlineExceeded, 409}, // of something that the verb has asked; the request goes on
	} {
		o.prints, o.fails = "", test.err
		p := holdsProblem(t, test.err.Error(), o.call(t, "GET", apiPath+"/doctor", text, nil), test.want)
		if p.Hint == "" || !strings.HasPrefix(p.Detail, test.err.Error()) {
			t.Errorf("%v: %+v", test.err, p)
		}
	}
	o.prints = `{"problems": 2}` // it fails, and says how the server is
	if answer := o.call(t, "GET", apiPath+"/doctor", text, nil); answer.Code != 200 || answer.Body.String() != o.prints {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
	o.prints, o.fails = "", nil
	holdsProblem(t, "nothing", o.call(t, "GET", apiPath+"/doctor", text, nil), 500)
}

// TestRequestsAreHeldToTheirForm: whatever is not as the document says is refused, before any
// verb runs.
func TestRequestsAreHeldToTheirForm(t *testing.T) {
	o := newOffice(t)
	text, _ := o.give(t, o.guest(t, "ana", access.RoleAdmin), access.Token{Role: access.RoleAdmin})
	long := strings.Repeat("x", maxText+1)
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/whoami?x=1", 400},
		{"GET", "/whoami?access_token=" + text, 400},
		{"GET", "/whoami?" + text, 400},
		{"GET", "/audit?limit=0", 400},
		{"GET", "/audit?limit=1001", 400},
		{"GET", "/audit?limit=1e2", 400},
		{"GET", "/audit?limit=-1", 400},
		{"GET", "/audit?limit=1&limit=2", 400},
		{"GET", "/audit?operator=" + long, 400},
		{"GET", "/audit?operator=%1b[31m", 400},
		{"GET", "/audit?operator=%ff", 400},
		{"GET", "/audit?operator=%zz", 400},
		{"GET", "/audit?a;b", 400},
		{"GET", "/orphans", 400},
		{"GET", "/orphans?namespace=%20", 400},
		{"GET", "/events?after=x", 400},
		{"GET", "/events?follow=yes", 400},
		{"GET", "/audit?operator=" + strings.Repeat("x", maxPath), 414},
		{"GET", "/nowhere", 404},
		{"GET", "", 404},
		{"GET", "/", 404},
		{"GET", "/whoami/", 404},
		{"GET", "/../../help", 404},
		{"GET", "//whoami", 404},
		{"GET", "/./whoami", 404},
		{"GET", "/apps/..%2f..%2fhelp", 404},
		{"GET", "/apps/%2e%2e", 404},
		{"GET", "/apps/a%00b", 404},
		{"GET", "/repos/..%2fadmin", 404},
		{"GET", "/repos/shop.git/../blog", 404},
		{"OPTIONS", "/whoami", 405},
		{"POST", "/whoami", 405},
		{"PUT", "/apps/shop", 405},
		{"DELETE", "/apps/shop", 405},
		{"TRACE", "/events", 405},
		{"GET", "/apps/shop/sync", 405},
		{"PATCH", "/openapi.json", 405},
	} {
		answer := o.call(t, test.method, apiPath+test.path, text, nil)
		holdsProblem(t, test.method+" "+bounded(test.path, 60), answer, test.want)
		if allow := answer.Header().Get("Allow"); (allow != "") != (test.want == 405) {
			t.Errorf("%s %s: Allow is %q", test.method, test.path, allow)
		}
		if answer.Header().Get("Access-Control-Allow-Origin") != "" || answer.Header().Get("Location") != "" {
			t.Errorf("%s %s: %v", test.method, test.path, answer.Header())
		}
	}
	if len(o.asked) > 0 {
		t.Errorf("ran %v", o.asked)
	}
	holdsProblem(t, "a stranger's 404", o.call(t, "GET", "/api/v1/nowhere", "", nil), 401)
	holdsProblem(t, "a stranger's 405", o.call(t, "PUT", "/api/v1/whoami", "", nil), 401)
	holdsProblem(t, "another host", o.call(t, "GET", apiPath+"/whoami", text, func(r *http.Request) { r.Host = "evil.example" }), 421)
	holdsProblem(t, "another page", o.call(t, "POST", apiPath+"/apps/shop/sync", text, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }), 403)
	if head := o.call(t, "HEAD", apiPath+"/whoami", text, nil); head.Code != 200 {
		t.Errorf("HEAD: %d", head.Code)
	}
}

// TestAPIIsServedWithTLSOnly: where the pages are not, nothing is.
func TestAPIIsServedWithTLSOnly(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Closed = context.Canceled })
	text, _ := h.give(t, h.guest(t, "ana", access.RoleAdmin), access.Token{Role: access.RoleRead})
	if answer := h.call(t, "GET", apiPath+"/whoami", text, nil); answer.Code != 404 {
		t.Errorf("%d", answer.Code)
	}
	if _, err := h.API(); err == nil {
		t.Error("there is an address of what is not served")
	}
}

func TestBadTokensSlowTheirAddress(t *testing.T) {
	o := newOffice(t)
	text, _ := o.give(t, o.guest(t, "ana", access.RoleAdmin), access.Token{Role: access.RoleRead})
	before := len(o.trail.events)
	for range strikesAtOnce {
		holdsProblem(t, "one of the first", o.call(t, "GET", apiPath+"/whoami", "x", nil), 401)
	}
	refused := o.call(t, "GET", apiPath+"/whoami", "x", nil)
	holdsProblem(t, "one too many", refused, 429)
	if refused.Header().Get("Retry-After") == "" || len(o.trail.events) != before+strikesAtOnce {
		t.Errorf("%v, and lines on the trail: %d", refused.Header(), len(o.trail.events)-before)
	}
	if answer := o.call(t, "GET", apiPath+"/whoami", text, nil); answer.Code != 200 { // a neighbour behind the same address
		t.Errorf("a good token from there: %d", answer.Code)
	}
	elsewhere := func(r *http.Request) { r.RemoteAddr = "192.0.2.10:1" }
	holdsProblem(t, "another address", o.call(t, "GET", apiPath+"/whoami", "x", elsewhere), 401)
}

func TestCallsAreBounded(t *testing.T) {
	var c calls
	var ends []func()
	for range maxCallsEach {
		end, err := c.begin("1")
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, end)
	}
	if _, err := c.begin("1"); err != errManyCalls { //nolint:errorlint // it is that one
		t.Errorf("one too many: %v", err)
	}
	for i := maxCallsEach; i < maxCalls; i++ {
		if _, err := c.begin(fmt.Sprint("other", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.begin("2"); err != errBusy { //nolint:errorlint // it is that one
		t.Errorf("too many in all: %v", err)
	}
	ends[0]()
	if _, err := c.begin("1"); err != nil {
		t.Errorf("after an end: %v", err)
	}
	if _, err := c.follow("1"); err != nil {
		t.Errorf("a stream counts as a call: %v", err)
	}
}

func TestPages(t *testing.T) {
	apps := `[{"app":"c"},{"app":"a"},{"app":"b"}]`
	numbers := `[{"seq":7},{"seq":8}]`
	for _, test := range []struct {
		paging
		text       string
		q          values
		want, next string
	}{
		{paging{}, `{"x":1}`, nil, `{"x":1}`, ""},
		{byKey("app"), apps, values{"limit": "2"}, `[{"app":"a"},{"app":"b"}]`, "b"},
		{byKey("app"), apps, values{"limit": "2", "after": "b"}, `[{"app":"c"}]`, ""},
		{byKey("app"), apps, values{"limit": "3"}, `[{"app":"a"},{"app":"b"},{"app":"c"}]`, ""},
		{byKey("app"), apps, values{"limit": "2", "after": "z"}, `[]`, ""},
		{byKey("app"), apps, values{"limit": "2", "after": "a"}, `[{"app":"b"},{"app":"c"}]`, ""},
		{byKey("app"), `[]`, nil, `[]`, ""},
		{paging{key: "seq", by: "before"}, numbers, values{"limit": "2"}, numbers, "8"},
		{paging{key: "seq", by: "before", oldest: true}, numbers, values{"limit": "2"}, numbers, "7"},
		{paging{key: "seq", by: "before"}, numbers, values{"limit": "3"}, numbers, ""},
	} {
		got, next, err := test.page([]byte(test.text), test.q)
		var plain bytes.Buffer
		if err == nil {
			err = json.Compact(&plain, got)
		}
		if err != nil || plain.String() != test.want || next != test.next {
			t.Errorf("%+v %s %v: %s, next %q, %v", test.paging, test.text, test.q, plain.String(), next, err)
		}
	}
}

// TestNextPageKeepsTheQuestion: the header Link has the whole address.
func TestNextPageKeepsTheQuestion(t *testing.T) {
	o := newOffice(t)
	text, _ := o.give(t, o.guest(t, "ana", access.RoleAdmin), access.Token{Role: access.RoleAdmin})
	o.prints = `[{"seq": 7}]`
	answer := o.call(t, "GET", apiPath+"/audit?limit=1&operator=b%20c", text, nil)
	if link := answer.Header().Get("Link"); link != `</api/v1/audit?before=7&limit=1&operator=b+c>; rel="next"` {
		t.Errorf("the next page is %q", link)
	}
	if want := []string{"audit", "-o", "json", "--number=1", "--operator=b c"}; !slices.Equal(o.asked[0].words, want) {
		t.Errorf("ran %q", o.asked[0].words)
	}
}
