package sshd

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// turnstile counts connections, before a byte of them is read.
//
// Connections that have not logged in are the cheap way to keep others out:
// they cost their maker nothing. So nobody is turned away for their number. At
// the limit, the newcomer takes the place of one of them: of the address that
// has the most, and there of the oldest one that has not said a word, else of
// the oldest. A login takes a fraction of a second, so whoever wants to keep
// others out has to open that many connections in that time, and from their own
// address. (OpenSSH's random early drop turns newcomers away instead, with a
// probability; who holds all places keeps everybody out for a while.)
type turnstile struct {
	mu sync.Mutex

	maxAll, maxPerAddress       int
	maxUnknown, maxUnknownPerIP int

	open     int
	unknown  int
	entered  uint64
	perPlace map[netip.Prefix]*place
}

// place is what one address has open.
type place struct {
	open    int
	unknown []*pass // not logged in, the oldest first
}

func newTurnstile(c Config) *turnstile {
	t := &turnstile{perPlace: map[netip.Prefix]*place{}}
	t.bound(c.Limits)
	return t
}

// bound sets the limits. Who is in stays, also where there are fewer places now.
func (t *turnstile) bound(l Limits) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.maxAll, t.maxPerAddress = l.MaxConnections, l.MaxPerAddress
	t.maxUnknown, t.maxUnknownPerIP = l.MaxUnauthenticated, l.MaxUnauthenticatedPerAddress
}

// pass is the place of one connection.
type pass struct {
	turnstile *turnstile
	address   netip.Prefix
	number    uint64 // in the order of entering
	conn      *conn  // guarded by turnstile.mu; nil until there is one
}

// admit lets a connection in, or says which limit is reached. out is a
// connection to close, which has lost its place to the new one; nil as a rule.
func (t *turnstile) admit(remote net.Addr) (p *pass, out *conn, refusal string) {
	address := placeOf(remote)
	t.mu.Lock()
	defer t.mu.Unlock()
	here := t.perPlace[address]
	if here == nil {
		here = &place{}
	}
	switch {
	case t.open >= t.maxAll:
		return nil, nil, "too many connections"
	case here.open >= t.maxPerAddress:
		return nil, nil, "too many connections from this address"
	case len(here.unknown) >= t.maxUnknownPerIP:
		out = t.putOut(here)
	case t.unknown >= t.maxUnknown:
		out = t.putOut(t.fullest())
	}
	t.entered++
	p = &pass{turnstile: t, address: address, number: t.entered}
	t.perPlace[address] = here
	t.open++
	t.unknown++
	here.open++
	here.unknown = append(here.unknown, p)
	return p, out, ""
}

// fullest is the place with the most connections that have not logged in; of
// several, that of the oldest one.
func (t *turnstile) fullest() *place {
	var most *place
	for _, here := range t.perPlace {
		if len(here.unknown) == 0 {
			continue
		}
		if most == nil || len(here.unknown) > len(most.unknown) ||
			len(here.unknown) == len(most.unknown) && here.unknown[0].number < most.unknown[0].number {
			most = here
		}
	}
	return most
}

// putOut takes the place of a connection that has not logged in.
func (t *turnstile) putOut(here *place) *conn {
	victim := here.unknown[0]
	for _, p := range here.unknown {
		if p.conn != nil && p.conn.heard.Load() == 0 {
			victim = p
			break
		}
	}
	t.forget(here, victim)
	return victim.conn
}

// forget takes a connection out of those that have not logged in, if it is one.
func (t *turnstile) forget(here *place, p *pass) {
	if i := slices.Index(here.unknown, p); i >= 0 {
		here.unknown = slices.Delete(here.unknown, i, i+1)
		t.unknown--
	}
}

// belongsTo says whose pass it is.
func (p *pass) belongsTo(c *conn) {
	p.turnstile.mu.Lock()
	defer p.turnstile.mu.Unlock()
	p.conn = c
}

// loggedIn makes the connection one that is known.
func (p *pass) loggedIn() {
	p.turnstile.mu.Lock()
	defer p.turnstile.mu.Unlock()
	p.turnstile.forget(p.turnstile.perPlace[p.address], p)
}

// giveBack gives the place back; once.
func (p *pass) giveBack() {
	t := p.turnstile
	t.mu.Lock()
	defer t.mu.Unlock()
	here := t.perPlace[p.address]
	t.forget(here, p)
	t.open--
	if here.open--; here.open == 0 {
		delete(t.perPlace, p.address)
	}
}

// placeOf is what counts as one address: an IPv4 address, or the /64 that an
// IPv6 host has for itself.
func placeOf(remote net.Addr) netip.Prefix {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(addr, bits).Masked()
}

// refusals logs that connections were turned away or closed, at most once an interval:
// a flood of them must not become a flood of lines.
type refusals struct {
	log *logrus.Entry

	mu      sync.Mutex
	last    time.Time
	skipped int
}

const refusalInterval = 10 * time.Second

func (r *refusals) note(remote net.Addr, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.last) < refusalInterval {
		r.skipped++
		return
	}
	r.log.WithFields(logrus.Fields{"remote": remote.String(), "unlogged": r.skipped}).
		Warn("ssh: " + reason)
	r.last, r.skipped = time.Now(), 0
}
