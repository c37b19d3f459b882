package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/pushboat/pushboat/internal/mirror"
)

// This file has what every request goes through before its route: limits, the name by which
// the server was called, and the headers that have browsers keep strangers out.

// Limits of a request.
const (
	maxBody     = 64 << 10         // bytes
	maxPath     = 2 << 10          // bytes of its path and query
	pageTimeout = 30 * time.Second // for everything but a stream of events
)

// policy is the Content-Security-Policy of every answer: scripts, styles and requests are
// our own, nothing is inline, and no page is framed.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guarded is the handler with everything around it.
func (d *Door) guarded(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		defer d.contain(w, r)
		switch {
		case isAPI(r) && path.Clean(r.URL.Path) != r.URL.Path:
			d.refuse(w, r, http.StatusNotFound, "there is no such path", "see them: "+d.Base+apiPath+"/openapi.json")
		case !d.isOurHost(r.Host):
			d.refuse(w, r, http.StatusMisdirectedRequest, "the server is not called "+bounded(r.Host, 100), "open "+d.Base)
		case !d.enters(r):
			w.Header().Set("Retry-After", "1")
			d.refuse(w, r, http.StatusTooManyRequests, "too many requests from your address", "try again in a few seconds")
		case len(r.URL.Path)+len(r.URL.RawQuery) > maxPath:
			d.refuse(w, r, http.StatusRequestURITooLong, "the address is too long", "begin at "+d.Base)
		case origin.Check(r) != nil:
			d.refuse(w, r, http.StatusForbidden, "another page sent this request", "do it on this server's own page")
		default:
			r.Body = http.MaxBytesReader(w, r.Body, bodyLimit(r))
			next.ServeHTTP(w, r)
		}
	})
}

// bodyLimit bounds the body of a request, in bytes.
func bodyLimit(r *http.Request) int64 {
	if strings.HasPrefix(r.URL.Path, hookPath) {
		return mirror.MaxHook
	}
	return maxBody
}

// setHeaders sets the headers of every answer.
func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// contain keeps a fault in one page from ending the server.
func (d *Door) contain(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	d.Log.WithField("stack", string(debug.Stack())).Errorf("web: panic in %s %s: %v", r.Method, r.Pattern, cause)
	d.refuse(w, r, http.StatusInternalServerError, "the server has a fault", "its log says more")
}

// isOurHost reports whether a request calls the server by its name. A page of a stranger
// whose name leads here (DNS rebinding) calls it by that name.
func (d *Door) isOurHost(host string) bool {
	if host == d.host {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return d.Loopback && (name == "localhost" || err == nil && ip.IsLoopback())
}

// addressOf is where a request comes from. A proxy adds the address of its client at the
// end; what stands before that, anybody may have written.
func (d *Door) addressOf(r *http.Request) net.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return &net.TCPAddr{}
	}
	if d.Proxied {
		said := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
		last := strings.TrimSpace(said[strings.LastIndexByte(said, ',')+1:])
		if ip, err := netip.ParseAddr(last); err == nil {
			return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip.Unmap(), 0))
		}
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port()))
}

// within bounds the time of a page.
func within(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
		defer cancel()
		next(w, r.WithContext(ctx))
	}
}

// The rate of requests from one IPv4 address, or IPv6 /64: a page with its style and
// scripts is five.
const (
	perSecond = 20
	atOnce    = 200
)

// maxAddresses bounds the addresses that are remembered. When there are more, all are
// forgotten, so that none is kept out for long.
const maxAddresses = 4096

// crowd limits the requests of each address, and the streams of those who are not logged in.
type crowd struct {
	each   rate.Limit // requests a second
	atOnce int

	mu      sync.Mutex
	members map[netip.Prefix]*rate.Limiter
	streams map[netip.Prefix]int // that are open
}

// The rate of requests of one session. Its open pages are all read again whenever what they
// show has moved, and people behind one proxy or router have one address together.
const (
	sessionPerSecond = perSecond + maxStreamsEach*int(time.Second/lookRest)
	sessionAtOnce    = 2 * atOnce
)

// enters reports whether a request may be made now: one of a session by what that has done,
// any other by what has come from its address.
func (d *Door) enters(r *http.Request) bool {
	if cookie, err := r.Cookie(d.cookieName()); err == nil {
		if s := d.sessions.find(cookie.Value); s != nil {
			return s.pace.Allow()
		}
	}
	return d.crowd.enters(d.addressOf(r))
}

// enters reports whether an address may make a request now.
func (c *crowd) enters(from net.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.members == nil || len(c.members) >= maxAddresses {
		c.members = map[netip.Prefix]*rate.Limiter{}
	}
	of := networkOf(from)
	if c.members[of] == nil {
		c.members[of] = rate.NewLimiter(c.each, c.atOnce)
	}
	return c.members[of].Allow()
}

// stays counts a stream of an address, until leave is called. ok is false if there are too
// many.
func (c *crowd) stays(from net.Addr) (leave func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := networkOf(from)
	if c.streams[of] >= maxStreamsEach {
		return nil, false
	}
	if c.streams == nil {
		c.streams = map[netip.Prefix]int{}
	}
	c.streams[of]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.streams[of]--; c.streams[of] == 0 {
			delete(c.streams, of)
		}
	}, true
}

func networkOf(from net.Addr) netip.Prefix {
	tcp, ok := from.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	prefix, _ := ip.Prefix(bits) // the zero prefix for no address
	return prefix
}

// parseBase reads the address of the pages.
func parseBase(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.Path != "" {
		return &url.URL{}, fmt.Errorf("%q is no address of pages; write https://pushboat.example.org", text)
	}
	return base, nil
}

// bounded cuts a text that somebody else wrote to a number of bytes.
func bounded(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
