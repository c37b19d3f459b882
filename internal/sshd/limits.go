package sshd

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// turnstile counts connections before it reads a byte of them.
//
// Connections that have not logged in are the cheap way to keep others out: they cost
// their maker nothing. So nobody is turned away because of their number. At the limit,
// the newcomer replaces one of them: of the address that has the most, the oldest one
// that has not sent a byte, else the oldest. A login takes a fraction of a second, so
// an attacker would have to open that many connections in that time, from the victim's
// own address. (OpenSSH's random early drop turns newcomers away instead, with a
// probability; a client that holds all slots keeps everybody out for a while.)
type turnstile struct {
	mu sync.Mutex

	maxAll, maxPerAddress       int
	maxUnknown, maxUnknownPerIP int

	open     int
	unknown  int
	entered  uint64
	perPlace map[netip.Prefix]*place
}

// place holds the open connections of one address.
type place struct {
	open    int
	unknown []*pass // not logged in, the oldest first
}

func newTurnstile(c Config) *turnstile {
	t := &turnstile{perPlace: map[netip.Prefix]*place{}}
	t.bound(c.Limits)
	return t
}

// bound sets the limits. Connections stay, even if there are fewer slots now.
func (t *turnstile) bound(l Limits) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.maxAll, t.maxPerAddress = l.MaxConnections, l.MaxPerAddress
	t.maxUnknown, t.maxUnknownPerIP = l.MaxUnauthenticated, l.MaxUnauthenticatedPerAddress
}

// pass is the slot of one connection.
type pass struct {
	turnstile *turnstile
	address   netip.Prefix
	number    uint64  // in order of entry
	conn      entrant // guarded by turnstile.mu; nil until there is one
}

// entrant is a connection that may have to make room for another one.
type entrant interface {
	RemoteAddr() net.Addr
	silent() bool // it has not sent a byte
	closeBecause(why string)
}

// admit lets a connection in, or says which limit it has reached. out is a connection
// to close, which the new one replaces; usually nil.
func (t *turnstile) admit(remote net.Addr) (p *pass, out entrant, refusal string) {
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

// fullest returns the place with the most connections that have not logged in; of
// several, the one with the oldest connection.
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

// putOut takes the slot of a connection that has not logged in.
func (t *turnstile) putOut(here *place) entrant {
	victim := here.unknown[0]
	for _, p := range here.unknown {
		if p.conn != nil && p.conn.silent() {
			victim = p
			break
		}
	}
	t.forget(here, victim)
	return victim.conn
}

// forget removes a connection from those that have not logged in, if it is one.
func (t *turnstile) forget(here *place, p *pass) {
	if i := slices.Index(here.unknown, p); i >= 0 {
		here.unknown = slices.Delete(here.unknown, i, i+1)
		t.unknown--
	}
}

// belongsTo sets the connection of the pass.
func (p *pass) belongsTo(c entrant) {
	p.turnstile.mu.Lock()
	defer p.turnstile.mu.Unlock()
	p.conn = c
}

// loggedIn notes that the connection has logged in.
func (p *pass) loggedIn() {
	p.turnstile.mu.Lock()
	defer p.turnstile.mu.Unlock()
	p.turnstile.forget(p.turnstile.perPlace[p.address], p)
}

// giveBack releases the slot; once.
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

// placeOf returns the prefix that counts as one address: an IPv4 address, or the /64
// that an IPv6 host has for itself.
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

// Crowd counts connections that are not served here, by the limits on those that are.
type Crowd struct {
	turnstile *turnstile
	refusals  *refusals
	farewells *farewells
}

// NewCrowd makes a Crowd with the limits for all clients and for one address. Half of the
// slots are for those who wait: nobody knows yet whether they will ever log in.
func NewCrowd(limits Limits, log *logrus.Entry) *Crowd {
	config := Config{Limits: limits}.withDefaults()
	config.MaxUnauthenticated = max(config.MaxConnections/2, 1)
	config.MaxUnauthenticatedPerAddress = max(config.MaxPerAddress/2, 1)
	return &Crowd{turnstile: newTurnstile(config), refusals: &refusals{log: log}, farewells: newFarewells()}
}

// Guest is a connection of a Crowd.
type Guest struct {
	net.Conn
	crowd *Crowd
	pass  *pass
	out   chan struct{} // closed when it had to make room
	once  sync.Once
}

// Enter counts a connection until Guest.Leave is called. It waits first, and may have to
// make room for a newcomer then. Where there are too many that do not wait any more, the
// newcomer is turned away and closed; ok is false then.
func (c *Crowd) Enter(nc net.Conn) (g *Guest, ok bool) {
	p, out, refusal := c.turnstile.admit(nc.RemoteAddr())
	if refusal != "" {
		c.refusals.note(nc.RemoteAddr(), "turned away: "+refusal)
		c.TurnAway(nc, refusal+", try again later")
		return nil, false
	}
	if out != nil {
		c.refusals.note(out.RemoteAddr(), madeRoom)
		out.closeBecause(madeRoom)
	}
	g = &Guest{Conn: nc, crowd: c, pass: p, out: make(chan struct{})}
	p.belongsTo(g)
	return g, true
}

// Served says that the connection waits no more: whether it logs in is for the server to see
// that serves it.
func (g *Guest) Served() { g.pass.loggedIn() }

// Leave gives the slot back; once.
func (g *Guest) Leave() { g.pass.giveBack() }

// Out is closed when the connection had to make room for another one, and is told so.
func (g *Guest) Out() <-chan struct{} { return g.out }

// silent is true: nobody reads of it before it is served.
func (g *Guest) silent() bool { return true }

func (g *Guest) closeBecause(why string) {
	g.once.Do(func() {
		close(g.out)
		g.crowd.TurnAway(g.Conn, why+", try again later")
	})
}

// TurnAway tells a client why it is not served, and closes the connection.
func (c *Crowd) TurnAway(nc net.Conn, why string) { c.farewells.say(nc, why) }

// End returns when clients have been told, which takes farewellTimeout at most.
func (c *Crowd) End() { c.farewells.end() }

// refusals logs that connections were turned away or closed, at most once an interval:
// a flood of connections must not cause a flood of lines.
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
