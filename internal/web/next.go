package web

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// This file has the way back: whoever opens a link to a page and is not logged in comes to
// that page when they are. The browser keeps the page's address in a cookie meanwhile, so it
// may be anything by the time it comes back: what is no page of the table is nowhere to go to.

// nextLife is how long a browser remembers which page it wanted: a terminal is opened, a link
// asked for and followed.
const nextLife = 10 * time.Minute

// isPage reports whether a row answers with a page that people look at, once they are logged
// in.
func (row route) isPage() bool {
	return row.method == http.MethodGet && row.api == nil && !row.stream && row.need.right != open
}

// leadsToPage reports whether an address is that of a page of the table, on this server.
func (d *Door) leadsToPage(address string) bool {
	strange := func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' || r == '#' }
	if len(address) > maxPath || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.ContainsFunc(address, strange) {
		return false
	}
	u, err := url.ParseRequestURI(address)
	if err != nil || u.Scheme != "" || u.Host != "" || path.Clean(u.Path) != u.Path {
		return false
	}
	_, page := d.ways.Handler(&http.Request{Method: http.MethodGet, URL: u, Host: d.host})
	return page != ""
}

// remember has the browser remember the page that it wants, and reports whether it will. Only
// people want pages: what a script or a style fetches is not where they were going. Nor does it
// remember what comes from another site, since the session's cookie may not have come with it.
func (v *visit) remember() bool {
	mode, address := v.r.Header.Get("Sec-Fetch-Mode"), v.r.URL.RequestURI()
	if v.r.Method != http.MethodGet || mode != "" && mode != "navigate" || v.isCrossSite() || !v.door.leadsToPage(address) {
		return false
	}
	http.SetCookie(v.w, v.door.nextCookie(address))
	return true
}

// isCrossSite reports whether another site has sent the browser here.
func (v *visit) isCrossSite() bool { return v.r.Header.Get("Sec-Fetch-Site") == "cross-site" }

// next is the page that the browser wanted before it was logged in; "" if it wanted none.
func (v *visit) next() string {
	cookie, err := v.r.Cookie(v.door.cookieName() + "-next")
	if err != nil {
		return ""
	}
	address, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	if err != nil || !v.door.leadsToPage(string(address)) {
		return ""
	}
	return string(address)
}

// nextCookie is the cookie that remembers a page; without one, it removes the cookie.
func (d *Door) nextCookie(address string) *http.Cookie {
	c := d.cookie("")
	c.Name += "-next"
	if address != "" {
		c.Value, c.MaxAge = base64.RawURLEncoding.EncodeToString([]byte(address)), int(nextLife/time.Second)
	}
	return c
}
