package web

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/time/rate"

	"github.com/pushboat/pushboat/internal/access"
)

// This file has the sessions of browsers. They are in memory only: a server that starts has
// none, and its users ask for a new link, which is one line. So there is nothing on disk to
// steal, and none outlives a server that was replaced.

// Limits of the sessions that are open at once: of one operator, of whom the oldest ends,
// and of all.
const (
	maxSessionsEach = 20
	maxSessions     = 10_000
)

// session is a browser that is logged in.
type session struct {
	id          string // by which people name it; it opens nothing
	key         ssh.PublicKey
	operator    string
	fingerprint string
	fill        func(string) string // see command.Session
	csrf        string              // proves that a form is ours
	browser     string              // as it calls itself
	began       time.Time
	ended       chan struct{}
	trials      chan struct{} // holds one for each question of why that is being looked into
	pace        *rate.Limiter // of its requests

	mu      sync.Mutex
	seen    time.Time // its last request
	address net.Addr  // of the last request
	news    *news     // what the last action said, until it is shown
	streams int       // of events, that are open
	logs    int       // of them, that follow containers
	tasks   []*task   // verbs that pages have begun, oldest first
	taskIDs int       // the id of the newest of them
}

// Limits of the questions of why that are looked into at once, of one session and of all: each
// renders an app many times.
const (
	maxTrialsEach = 1
	maxTrials     = 4
)

// caller is whom the session was opened for, with no rights: for the audit trail.
func (s *session) caller() access.Caller {
	s.mu.Lock()
	defer s.mu.Unlock()
	return access.Caller{Operator: s.operator, Fingerprint: s.fingerprint, Remote: s.address.String(), Door: access.Web}
}

func (s *session) lastSeen() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// touch notes a request.
func (s *session) touch(now time.Time, from net.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen, s.address = now, from
}

// sessions are those that are open, by the hashes of their tokens.
type sessions struct {
	now           func() time.Time
	idle, longest time.Duration

	mu   sync.Mutex
	open map[hash]*session
}

// begin begins a session for a link, and returns its token.
func (all *sessions) begin(to link, r *http.Request, from net.Addr) (token string, s *session) {
	now := all.now()
	token, key := newToken()
	proof, _ := newToken()
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails, see its documentation
	s = &session{
		id: hex.EncodeToString(id[:]), key: to.key, operator: to.operator, fingerprint: to.fingerprint, fill: to.fill,
		csrf: proof, browser: browserOf(r.UserAgent()), began: now, seen: now, address: from, ended: make(chan struct{}),
		trials: make(chan struct{}, maxTrialsEach), pace: rate.NewLimiter(rate.Limit(sessionPerSecond), sessionAtOnce),
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	all.sweep(now)
	all.makeRoom(to.operator)
	if all.open == nil {
		all.open = map[hash]*session{}
	}
	all.open[key] = s
	return token, s
}

// makeRoom ends the sessions that have been left the longest, where there are too many.
// all.mu is held.
func (all *sessions) makeRoom(operator string) {
	own := func(s *session) bool { return s.operator == operator }
	anybody := func(*session) bool { return true }
	for _, limit := range []struct {
		of   func(*session) bool
		most int
	}{{own, maxSessionsEach}, {anybody, maxSessions}} {
		var oldest hash
		var found *session
		n := 0
		for key, s := range all.open {
			if !limit.of(s) {
				continue
			}
			if n++; found == nil || s.lastSeen().Before(found.lastSeen()) {
				oldest, found = key, s
			}
		}
		if n >= limit.most {
			close(found.ended)
			delete(all.open, oldest)
		}
	}
}

// find returns the session of a token; nil if there is none, or none any more.
func (all *sessions) find(token string) *session {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.sweep(all.now())
	return all.open[hashOf(token)]
}

// list returns the open sessions, oldest first.
func (all *sessions) list() []*session {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.sweep(all.now())
	list := make([]*session, 0, len(all.open))
	for _, s := range all.open {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *session) int { return cmp.Or(a.began.Compare(b.began), cmp.Compare(a.id, b.id)) })
	return list
}

// drop ends a session. It is false if that has ended already.
func (all *sessions) drop(s *session) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	for key, other := range all.open {
		if other == s {
			close(s.ended)
			delete(all.open, key)
			return true
		}
	}
	return false
}

// endOf is when a session ends if there is no further request.
func (all *sessions) endOf(s *session) time.Time {
	idle, longest := s.lastSeen().Add(all.idle), s.began.Add(all.longest)
	if longest.Before(idle) {
		return longest
	}
	return idle
}

// sweep ends the sessions whose time is over. all.mu is held.
func (all *sessions) sweep(now time.Time) {
	for key, s := range all.open {
		if !now.Before(all.endOf(s)) {
			close(s.ended)
			delete(all.open, key)
		}
	}
}

// maxBrowser bounds what is kept of a browser's name for itself, in bytes.
const maxBrowser = 120

func browserOf(agent string) string {
	if len(agent) > maxBrowser {
		agent = agent[:maxBrowser]
	}
	return agent
}

// cookieName is that of the session's cookie. With TLS, its prefix has browsers refuse one
// that another host, or a page without TLS, tries to set.
func (d *Door) cookieName() string {
	if d.secure {
		return "__Host-pushboat"
	}
	return "pushboat"
}

// cookie is the session's cookie with a token; without one, it removes the cookie.
func (d *Door) cookie(token string) *http.Cookie {
	c := &http.Cookie{
		Name: d.cookieName(), Value: token, Path: "/", HttpOnly: true, Secure: d.secure,
		SameSite: http.SameSiteStrictMode, MaxAge: int(d.Longest / time.Second),
	}
	if token == "" {
		c.MaxAge = -1
	}
	return c
}

// of returns the session of a request, and who its holder is now; nil if it has none that is
// good. A session whose key has ended is ended.
func (d *Door) of(r *http.Request) (*session, access.Caller) {
	cookie, err := r.Cookie(d.cookieName())
	if err != nil {
		return nil, access.Caller{}
	}
	s := d.sessions.find(cookie.Value)
	if s == nil {
		return nil, access.Caller{}
	}
	from := d.addressOf(r)
	op, err := d.identify(s, from)
	if err != nil {
		d.end(s, err.Error())
		return nil, access.Caller{}
	}
	s.touch(d.clock(), from)
	caller := op.Caller(from)
	caller.Door = access.Web
	return s, caller
}
