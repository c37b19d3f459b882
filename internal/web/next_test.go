package web

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
)

// nextOf is the cookie that remembers a page; nil without one.
func (b *browser) nextOf() *http.Cookie {
	i := slices.IndexFunc(b.cookies, func(c *http.Cookie) bool { return strings.HasSuffix(c.Name, "-next") })
	if i < 0 {
		return nil
	}
	return b.cookies[i]
}

// TestLoggingInLeadsBack: whoever opens a link to a page comes to exactly that page when they
// have logged in, once.
func TestLoggingInLeadsBack(t *testing.T) {
	h := newHouse(t, nil)
	ana := h.guest(t, "ana", access.RoleAdmin)
	for _, path := range []string{
		"/refused/QX3ZK7M2WB5NAD4TLHYE6RCVJU", "/apps/shop", "/?q=a+b&state=failing", "/files/team/shop?path=a%2Fb&branch=main",
		"/apps/shop/objects/apps.v1.Deployment/shop/web", "/deploys/shop-7", "/audit?operator=ben", "/help",
	} {
		b := &browser{house: h}
		if page := b.get(t, path); page.Code != http.StatusUnauthorized || !strings.Contains(page.Body.String(), "it leads back to this page") {
			t.Errorf("%s: %d\n%s", path, page.Code, page.Body)
		}
		if c := b.nextOf(); c == nil || c.Name != "__Host-pushboat-next" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.MaxAge != 600 {
			t.Errorf("%s: the cookie is %+v", path, c)
		}
		if in := b.logIn(t, ana); in.Code != http.StatusSeeOther || in.Header().Get("Location") != path {
			t.Errorf("%s: logging in leads to %q", path, in.Header().Get("Location"))
		}
		if again := b.logIn(t, ana); again.Header().Get("Location") != "/" || b.nextOf() != nil {
			t.Errorf("%s: logging in once more leads to %q", path, again.Header().Get("Location"))
		}
	}
}

// TestOnlyPagesAreRemembered: neither what scripts fetch, nor streams, nor forms, nor what is
// nobody's page, nor what another site asks for before the session's cookie has come.
func TestOnlyPagesAreRemembered(t *testing.T) {
	h := newHouse(t, nil)
	for what, test := range map[string]struct {
		method, path, header, value string
	}{
		"a script's request": {http.MethodGet, "/apps/shop", "Sec-Fetch-Mode", "cors"},
		"another site":       {http.MethodGet, "/apps/shop", "Sec-Fetch-Site", "cross-site"},
		"a stream":           {http.MethodGet, "/apps/shop/live", "", ""},
		"a form":             {http.MethodPost, "/apps/shop/sync", "", ""},
		"no page":            {http.MethodGet, "/nowhere", "", ""},
		"the API":            {http.MethodGet, "/api/v1/apps", "", ""},
	} {
		b := &browser{house: h}
		page := b.send(t, test.method, test.path, nil, func(r *http.Request) {
			if test.header != "" {
				r.Header.Set(test.header, test.value)
			}
		})
		if b.nextOf() != nil || page.Code == http.StatusOK {
			t.Errorf("%s: %d, remembered %+v", what, page.Code, b.nextOf())
		}
	}
	b := &browser{house: h}
	if b.send(t, http.MethodGet, "/apps/shop", nil, func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "navigate") }); b.nextOf() == nil {
		t.Error("a page that somebody goes to is not remembered")
	}
}

// TestWayBackIsOurs: whatever somebody has put into the cookie, logging in leads to a page of
// this server.
func TestWayBackIsOurs(t *testing.T) {
	h := newHouse(t, nil)
	ana := h.guest(t, "ana", access.RoleAdmin)
	encoded := func(address string) string { return base64.RawURLEncoding.EncodeToString([]byte(address)) }
	for _, value := range []string{
		"", "%%%", "/apps/shop", // not encoded
		encoded("https://evil.example/"), encoded("//evil.example/"), encoded("///evil.example"), encoded(`/\evil.example/apps/shop`), encoded(`\\evil.example`),
		encoded("/\t/evil.example/"), encoded("/\n//evil.example/apps/shop"), encoded("\x00/apps/shop"), encoded(" /apps/shop"), encoded("/apps/shop\r\nSet-Cookie: a=b"),
		encoded("javascript:alert(1)"), encoded("data:text/html,x"), encoded("evil.example"), encoded("@evil.example"), encoded("http:/apps/shop"), encoded("https:apps"),
		encoded("/apps/../../evil.example"), encoded("/./apps/shop"), encoded("/apps//evil.example"), encoded("/apps/%2e%2e"), encoded("/apps/shop#//evil.example"), encoded("/apps/é"),
		encoded("/login/token"), encoded("/logout"), encoded("/static/app.js"), encoded("/live"), encoded("/apps/shop/live"), encoded("/api/v1/apps"), encoded("/hooks/shop"),
		encoded("/nowhere"), encoded("/?q=" + strings.Repeat("x", maxPath)), encoded("?q=x"), encoded("*"),
	} {
		b := &browser{house: h, cookies: []*http.Cookie{{Name: "__Host-pushboat-next", Value: value}}}
		if in := b.logIn(t, ana); in.Code != http.StatusSeeOther || in.Header().Get("Location") != "/" {
			t.Errorf("%q: %d to %q", value, in.Code, in.Header().Get("Location"))
		}
	}
}

// TestEverybodyIsAskedToLogIn: where anybody may look at some apps, links to others lead to
// logging in, whether or not there is such a page.
func TestEverybodyIsAskedToLogIn(t *testing.T) {
	h := newHouse(t, func(c *Config) {
		c.Everybody, c.Apps.Engine = "shop", deploy.New(deploy.Config{})
		c.Apps.Engine.Stop(t.Context()) // it has no apps, and waits for none
	})
	for _, path := range []string{"/apps/secret", "/apps/nosuch", "/deploys/nosuch-1"} {
		b := &browser{house: h}
		if page := b.get(t, path); page.Code != http.StatusNotFound || b.nextOf() == nil || !strings.Contains(page.Body.String(), "ssh HOST web") {
			t.Errorf("%s: %d, remembered %v\n%s", path, page.Code, b.nextOf(), page.Body)
		}
	}
	b := &browser{house: h}
	if page := b.get(t, "/nowhere"); page.Code != http.StatusNotFound || b.nextOf() != nil {
		t.Errorf("what is no page: %d, remembered %v", page.Code, b.nextOf())
	}
}
