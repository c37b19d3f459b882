package web

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// counting counts the questions of whose a key is.
type counting struct {
	keys
	asked int
}

func (c *counting) Identify(key ssh.PublicKey, remote net.Addr) (access.Operator, error) {
	c.asked++
	return c.keys.Identify(key, remote)
}

// opened is a stream that nobody serves.
func (b *browser) opened(t *testing.T, from string) *stream {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/live", nil)
	r.RemoteAddr = from
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	v := b.visit(httptest.NewRecorder(), r)
	v.held()
	s := &stream{visit: v, from: ipOf(b.addressOf(r)), alarm: make(chan error, 1)}
	s.quiet.Store(time.Now().UnixNano())
	return s
}

// TestVigilAsksOnceForASession: not for each stream, and again in the next round.
func TestVigilAsksOnceForASession(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	counts := &counting{keys: h.keys}
	h.Keys = counts
	var g vigil
	g.streams = map[*stream]struct{}{}
	for range 20 {
		g.streams[b.opened(t, "192.0.2.7:1")] = struct{}{}
		g.streams[b.opened(t, "192.0.2.7:2")] = struct{}{} // another connection
		g.streams[b.opened(t, "192.0.2.8:1")] = struct{}{} // another address, for which a key may be no good
	}
	for range 2 {
		counts.asked = 0
		if g.round(); counts.asked != 2 {
			t.Errorf("it asked %d times", counts.asked)
		}
	}
	for s := range g.streams {
		if len(s.alarm) > 0 {
			t.Fatalf("a stream is told: %v", <-s.alarm)
		}
	}
}

// TestVigilEndsAndRenews: streams end with the key, and hear of other rights.
func TestVigilEndsAndRenews(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	ana := h.guest(t, "ana", access.RoleAdmin)
	b.logIn(t, ana)
	s := b.opened(t, "192.0.2.7:1")
	g := &vigil{streams: map[*stream]struct{}{s: {}}}
	op := h.keys[ssh.FingerprintSHA256(ana.key)]
	op.Role = access.RoleRead
	h.keys[op.Fingerprint] = op
	g.round()
	if now := s.holder.Load(); now.Role != access.RoleRead || now.Remote != s.caller.Remote || now.Door != access.Web {
		t.Errorf("the stream is of %+v", *now)
	}
	clear(h.keys)
	g.round()
	if why := <-s.alarm; !errors.Is(why, errGone) || len(h.sessions.list()) != 0 {
		t.Errorf("the stream hears %v, and there are %d sessions", why, len(h.sessions.list()))
	}
	g.round()
	if why := <-s.alarm; !errors.Is(why, errGone) {
		t.Errorf("then it hears %v", why)
	}
}

// TestVigilHasAQuietStreamSaySo: proxies end connections on which nothing comes.
func TestVigilHasAQuietStreamSaySo(t *testing.T) {
	h := newHouse(t, nil)
	b := &browser{house: h}
	b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
	s := b.opened(t, "192.0.2.7:1")
	s.quiet.Store(time.Now().Add(-2 * beat).UnixNano())
	g := &vigil{streams: map[*stream]struct{}{s: {}}}
	g.round()
	g.round() // while it has not heeded the first
	if why := <-s.alarm; why != nil {
		t.Errorf("it hears %v", why)
	}
}

// TestVigilRestsWithoutStreams: nothing is asked while nobody looks.
func TestVigilRestsWithoutStreams(t *testing.T) {
	var g vigil
	b := &browser{house: newHouse(t, nil)}
	one, two := b.opened(t, "192.0.2.7:1"), b.opened(t, "192.0.2.7:2")
	first, second := g.watch(one), g.watch(two)
	if first(); g.stop == nil || len(g.streams) != 1 {
		t.Error("it rests although there is a stream")
	}
	if second(); g.stop != nil || len(g.streams) != 0 {
		t.Error("it goes on without a stream")
	}
	g.watch(one)()
	if g.stop != nil {
		t.Error("it goes on after the second time")
	}
}
