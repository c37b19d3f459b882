package sshd

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// turnstile counts connections, before a byte of them is read.
type turnstile struct {
	maxAll, maxPerAddress       int
	maxUnknown, maxUnknownPerIP int

	mu       sync.Mutex
	all      count
	perPlace map[netip.Prefix]count
}

// count is of connections: all of them, and those not logged in yet.
type count struct{ open, unknown int }

func newTurnstile(c Config) *turnstile {
	return &turnstile{
		maxAll: c.MaxConnections, maxPerAddress: c.MaxPerAddress,
		maxUnknown: c.MaxUnauthenticated, maxUnknownPerIP: c.MaxUnauthenticatedPerAddress,
		perPlace: map[netip.Prefix]count{},
	}
}

// pass is the place of one connection.
type pass struct {
	turnstile *turnstile
	place     netip.Prefix
	known     bool // guarded by turnstile.mu
}

// enter lets a connection in, or says which limit is reached.
func (t *turnstile) enter(remote net.Addr) (*pass, string) {
	place := placeOf(remote)
	t.mu.Lock()
	defer t.mu.Unlock()
	here := t.perPlace[place]
	switch {
	case t.all.open >= t.maxAll:
		return nil, "too many connections"
	case here.open >= t.maxPerAddress:
		return nil, "too many connections from this address"
	case t.all.unknown >= t.maxUnknown:
		return nil, "too many connections that have not logged in"
	case here.unknown >= t.maxUnknownPerIP:
		return nil, "too many connections from this address that have not logged in"
	}
	p := &pass{turnstile: t, place: place}
	t.add(p, 1, 1)
	return p, ""
}

// loggedIn makes the connection one that is known.
func (p *pass) loggedIn() {
	p.turnstile.mu.Lock()
	defer p.turnstile.mu.Unlock()
	if !p.known {
		p.known = true
		p.turnstile.add(p, 0, -1)
	}
}

// leave gives the place back; once.
func (p *pass) leave() {
	p.turnstile.mu.Lock()
	defer p.turnstile.mu.Unlock()
	unknown := -1
	if p.known {
		unknown = 0
	}
	p.turnstile.add(p, -1, unknown)
}

func (t *turnstile) add(p *pass, open, unknown int) {
	t.all.open += open
	t.all.unknown += unknown
	here := t.perPlace[p.place]
	here.open += open
	here.unknown += unknown
	if here == (count{}) {
		delete(t.perPlace, p.place)
		return
	}
	t.perPlace[p.place] = here
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

// refusals logs that connections were turned away, at most once an interval:
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
		Warn("ssh: turned away: " + reason)
	r.last, r.skipped = time.Now(), 0
}
