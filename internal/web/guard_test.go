package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/time/rate"

	"github.com/pushboat/pushboat/internal/access"
)

// TestEveryRouteHasARight: the table has no row that nobody has thought about.
func TestEveryRouteHasARight(t *testing.T) {
	strangers := map[string]bool{"GET /static/{file}": true, "GET " + loginPath + "{token}": true, "POST /login": true, "GET " + apiPath + "/openapi.json": true, "POST " + hookPath + "{repo...}": true}
	for _, row := range routes() {
		name, right := row.method+" "+row.path, row.need.right
		switch {
		case right == open && !strangers[name]:
			t.Errorf("%s is open to strangers", name)
		case right != open && right != loggedIn && right.Least() == "":
			t.Errorf("%s takes %q, which is no right", name, right)
		case right != open && right != loggedIn && row.need.about == nothing:
			t.Errorf("%s takes %q on nothing", name, right)
		case row.method == http.MethodPost && right != open && !row.need.people && row.api == nil:
			t.Errorf("%s changes something for everybody", name)
		case row.method != http.MethodPost && row.method != http.MethodGet:
			t.Errorf("%s: browsers send GET and POST", name)
		}
	}
}

// TestStrangersAreKeptOut: every route but those of logging in answers 401 to whoever is not
// logged in, whatever it is about.
func TestStrangersAreKeptOut(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	for _, row := range routes() {
		if row.need.right == open {
			continue
		}
		path := strings.NewReplacer("{app}", "shop", "{deploy}", "shop-1", "{refusal}", "A", "{cluster}", "default", "{repo...}", "shop", "{$}", "").Replace(row.path)
		var form url.Values
		if row.method == http.MethodPost {
			form = url.Values{"csrf": {"x"}}
		}
		if answer := b.send(t, row.method, path, form, nil); answer.Code != http.StatusUnauthorized {
			t.Errorf("%s %s: %d", row.method, path, answer.Code)
		}
	}
}

func TestHeaders(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	for _, path := range []string{"/help", "/nowhere", "/static/style.css", "/static/nothing.css", loginPath + "x"} {
		got := b.get(t, path).Header()
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.Get(name))
			}
		}
		csp := got.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: the policy %q lacks %q", path, csp, part)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy is %q", path, csp)
		}
	}
	if cached := b.get(t, "/help").Header().Get("Cache-Control"); cached != "no-store" {
		t.Errorf("a page may be kept: %q", cached)
	}
}

// TestPagesHaveNothingInline: what the policy forbids is in no template.
func TestPagesHaveNothingInline(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	for _, path := range []string{"/help", "/nowhere"} {
		text := b.get(t, path).Body.String()
		for _, inline := range []string{"<style", " style=", " onclick=", " onload=", "javascript:", "<script>"} {
			if strings.Contains(text, inline) {
				t.Errorf("%s has %q", path, inline)
			}
		}
	}
}

func TestHostIsChecked(t *testing.T) {
	named := newHouse(t, nil)
	local := newHouse(t, func(c *Config) { c.Base, c.Loopback = "http://127.0.0.1:8080", true })
	for _, test := range []struct {
		h    *house
		host string
		ours bool
	}{
		{named, host, true},
		{named, "evil.example", false},
		{named, host + ".evil.example", false},
		{named, "localhost", false},
		{named, "", false},
		{local, "127.0.0.1:8080", true},
		{local, "localhost:9999", true}, // a forwarded port
		{local, "[::1]:8080", true},
		{local, "evil.example:8080", false},
		{local, "localhost.evil.example", false},
	} {
		b := &browser{house: test.h}
		got := b.send(t, http.MethodGet, "/help", nil, func(r *http.Request) { r.Host = test.host })
		if ours := got.Code != http.StatusMisdirectedRequest; ours != test.ours {
			t.Errorf("called %q: %d", test.host, got.Code)
		}
	}
}

func TestFormsOfOthersAreRefused(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	good := url.Values{"csrf": {b.csrf(t)}}
	for what, test := range map[string]struct {
		form   url.Values
		change func(*http.Request)
	}{
		"another site":          {good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }},
		"a sister site":         {good, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }},
		"another origin":        {good, func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") }},
		"no proof":              {url.Values{}, nil},
		"a wrong proof":         {url.Values{"csrf": {"wrong"}}, nil},
		"the proof in the path": {url.Values{}, func(r *http.Request) { r.URL.RawQuery = good.Encode() }},
	} {
		if got := b.send(t, http.MethodPost, "/logout", test.form, test.change); got.Code != http.StatusForbidden {
			t.Errorf("%s: %d", what, got.Code)
		}
		if b.get(t, "/help").Code != http.StatusOK {
			t.Fatalf("%s: it logged the browser out", what)
		}
	}
	other := &browser{house: h}
	other.logIn(t, h.guest(t, "ben", access.RoleAdmin))
	if got := b.send(t, http.MethodPost, "/logout", url.Values{"csrf": {other.csrf(t)}}, nil); got.Code != http.StatusForbidden {
		t.Errorf("with the proof of another session: %d", got.Code)
	}
}

// TestNothingLeadsElsewhere: no path, query or header makes the server send a browser to
// another host.
func TestNothingLeadsElsewhere(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	for _, path := range []string{
		"//evil.example/", "/%2f%2fevil.example/..", "/\\evil.example", "/help?next=https://evil.example", "//evil.example/%2e%2e",
		"/login/?next=//evil.example", "/static/..%2f..%2fweb.go", "/static/../web.go", "/static/htmx.LICENSE", "/apps/..%2f..", "/a/../../evil.example",
	} {
		for _, header := range []string{"", "X-Forwarded-Host"} {
			got := b.send(t, http.MethodGet, "http://"+host+"/", nil, func(r *http.Request) {
				if u, err := url.Parse(path); err == nil && !strings.HasPrefix(path, "//") {
					r.URL = u
				} else {
					r.URL = &url.URL{Path: path}
				}
				if header != "" {
					r.Header.Set(header, "evil.example")
				}
			})
			to := got.Header().Get("Location")
			if strings.Contains(to, "://") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\") {
				t.Errorf("%q leads to %q", path, to)
			}
			if strings.Contains(got.Body.String(), "package web") {
				t.Errorf("%q shows source", path)
			}
		}
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	if got := b.get(t, "/?q="+strings.Repeat("x", maxPath)); got.Code != http.StatusRequestURITooLong {
		t.Errorf("a long address: %d", got.Code)
	}
	large := url.Values{"csrf": {b.csrf(t)}, "more": {strings.Repeat("x", maxBody)}}
	if got := b.send(t, http.MethodPost, "/logout", large, nil); got.Code == http.StatusOK || b.get(t, "/help").Code != http.StatusOK {
		t.Errorf("a large form: %d", got.Code)
	}
	b = &browser{house: h}
	refused := 0
	for range atOnce * 2 {
		if b.get(t, "/static/icon.svg").Code == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("an address may send any number of requests")
	}
	b.from = "198.51.100.9:1"
	if got := b.get(t, "/static/icon.svg"); got.Code != http.StatusOK {
		t.Errorf("another address waits for that one: %d", got.Code)
	}
}

// TestSessionsOfAnAddressDoNotWaitForEachOther: people behind one router have one address, and
// the open pages of each are read again whenever they move.
func TestSessionsOfAnAddressDoNotWaitForEachOther(t *testing.T) {
	h := newHouse(t, nil)
	ana, ben, stranger := &browser{house: h}, &browser{house: h}, &browser{house: h}
	ana.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	ben.logIn(t, h.guest(t, "ben", access.RoleAdmin))
	h.crowd.each, h.crowd.atOnce, h.crowd.members = 0, 1, nil
	for _, s := range h.sessions.list() {
		if s.operator == "ana" {
			s.pace = rate.NewLimiter(0, 3)
		}
	}
	for _, step := range []struct {
		who  *browser
		what string
		code int
	}{
		{stranger, "a stranger", http.StatusOK},
		{stranger, "a stranger again", http.StatusTooManyRequests},
		{ana, "ana", http.StatusOK},
		{ana, "ana again", http.StatusOK},
		{ana, "ana once more", http.StatusOK},
		{ana, "ana too often", http.StatusTooManyRequests},
		{ben, "ben", http.StatusOK},
	} {
		if got := step.who.get(t, "/static/icon.svg"); got.Code != step.code {
			t.Errorf("%s: %d", step.what, got.Code)
		}
	}
}

// TestAddressBehindAProxy: the address that the proxy has added counts, not those before.
func TestAddressBehindAProxy(t *testing.T) {
	direct := newHouse(t, nil)
	proxied := newHouse(t, func(c *Config) { c.Proxied = true })
	for _, test := range []struct {
		h    *house
		said []string
		want string
	}{
		{direct, []string{"203.0.113.5"}, "192.0.2.7:1234"},
		{proxied, []string{"203.0.113.5"}, "203.0.113.5:0"},
		{proxied, []string{"10.0.0.1, 203.0.113.5"}, "203.0.113.5:0"},
		{proxied, []string{"10.0.0.1", "203.0.113.5"}, "203.0.113.5:0"},
		{proxied, []string{"nonsense"}, "192.0.2.7:1234"},
		{proxied, nil, "192.0.2.7:1234"},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = "192.0.2.7:1234"
		for _, value := range test.said {
			r.Header.Add("X-Forwarded-For", value)
		}
		if got := test.h.addressOf(r).String(); got != test.want {
			t.Errorf("%q: %s, want %s", test.said, got, test.want)
		}
	}
}

func TestClosedDoorSaysWhy(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Closed, c.Base = errors.New("there is no TLS"), "" })
	if _, err := h.Link(h.guest(t, "ana", access.RoleAdmin)); err == nil || err.Error() != "there is no TLS" {
		t.Errorf("a link: %v", err)
	}
	b := &browser{house: h}
	if got := b.get(t, "/"); got.Code != http.StatusNotFound {
		t.Errorf("a page: %d", got.Code)
	}
}

// TestHeadersAreOurs: no path, query, form or header puts anything into the headers of the
// answer.
func TestHeadersAreOurs(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	const evil = "x\r\nSet-Cookie: pushboat=chosen\r\nLocation: https://evil.example\r\n\r\n<script>"
	for _, path := range []string{"/help?q=", "/nowhere/", "/apps/", "/deploys/", loginPath, "/static/", "/static/style.css?v="} {
		got := b.send(t, http.MethodGet, path+url.QueryEscape(evil), nil, func(r *http.Request) {
			r.Header.Set("HX-Request", "true")
			r.Header.Set("X-Forwarded-Host", "evil.example")
		})
		for name, values := range got.Header() {
			if text := strings.Join(values, " "); strings.Contains(text, "evil") || strings.Contains(text, "chosen") || strings.ContainsAny(text, "\r\n") {
				t.Errorf("%s: %s is %q", path, name, text)
			}
		}
	}
	f := readFilter(url.Values{"q": {evil}, "cluster": {evil}, "state": {evil}})
	if address := f.address(2); strings.ContainsAny(address, "\r\n<") || !strings.HasPrefix(address, "/?") {
		t.Errorf("the filter's address is %q", address)
	}
	in := b.send(t, http.MethodPost, "/login", url.Values{"token": {evil}}, func(r *http.Request) { r.Header.Set("Cookie", "pushboat="+evil) })
	if in.Code != http.StatusGone || len(in.Result().Cookies()) > 0 {
		t.Errorf("an evil token: %d %v", in.Code, in.Header())
	}
}

// TestPathTricks: a name in a path is the name of an app or a deploy, or there is no such
// page. Nothing else is looked for.
func TestPathTricks(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	for _, path := range []string{
		"/apps/%2e%2e", "/apps/..%2f..%2fetc%2fpasswd", "/apps/shop%2flive", "/apps/shop%00", "/apps/%00", "/apps/Shop%20", "/apps/-shop", "/apps/" + strings.Repeat("x", 300),
		"/apps/..;/help", "/apps/%252e%252e", "/apps/shop%0d%0a", "/apps/~root", "/apps/$(id)", "/apps/..\\..", "/apps/a/b/c",
		"/deploys/..%2f..%2f1", "/deploys/shop", "/deploys/shop-", "/deploys/shop-0", "/deploys/shop--1", "/deploys/shop-1%20", "/deploys/shop-9999999999999999999999",
		"/refused/..%2f..%2fsecret", "/refused/%00", "/refused/A.json", "/refused/", "/refused/AAAAAAAAAAAAAAAAAAAAAAAAAA", "/files/..%2f..", "/files/", "/files/shop%00",
		"/deploys/shop-1%00", "/deploys/-1", "/static/..%2fweb.go", "/static/..%2f..%2fgo.mod", "/static/%2fetc%2fpasswd", "/static/htmx.LICENSE", "/static/", "/login/", "/login/a/b",
	} {
		if got := b.get(t, path); got.Code != http.StatusNotFound && (got.Code < 300 || got.Code > 399) {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}
