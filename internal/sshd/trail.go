package sshd

import (
	"net"
	"strings"

	gossh "golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/audit"
)

// Trail is the audit trail. Package audit has it.
type Trail interface {
	// NoteLimited has an event written soon, within a quota for its source.
	NoteLimited(source string, e audit.Event)
}

// noTrail is for a server without an audit trail.
type noTrail struct{}

// NoteLimited writes nothing.
func (noTrail) NoteLimited(string, audit.Event) {}

// trailLogin puts a login on the audit trail. The session asks again whose the key is.
func (c *conn) trailLogin(key gossh.PublicKey) {
	c.config.counts.logins.Add(1)
	op, err := c.config.Keys.Identify(key, c.RemoteAddr())
	if err != nil {
		return // it was taken away in this moment: the session will be refused
	}
	e := audit.Of(audit.Login, op.Caller(c.RemoteAddr()))
	e.Decision = audit.Allowed
	source := []string{e.Operator, e.Key, op.Certificate.String(), hostOf(c.RemoteAddr())}
	c.config.Trail.NoteLimited(strings.Join(source, " "), e)
}

// trailRefusal puts a connection that did not log in on the audit trail.
func (c *conn) trailRefusal(why string) {
	c.config.counts.refusals.Add(1)
	e := audit.Event{Kind: audit.Login, Decision: audit.Refused, Address: c.RemoteAddr().String(), Reason: why}
	c.config.Trail.NoteLimited(placeOf(c.RemoteAddr()).String(), e)
}

// trailKey puts a session on the audit trail whose key opens nothing any more.
func (s *Session) trailKey(kind audit.Kind, caller access.Caller, why error) {
	e := audit.Of(kind, caller)
	e.Key, e.Address, e.Reason = access.Fingerprint(s.key), s.conn.RemoteAddr().String(), why.Error()
	if kind == audit.Login {
		e.Decision = audit.Refused
	}
	s.conn.config.Trail.NoteLimited(e.Key, e)
}

// hostOf is an address without its port.
func hostOf(address net.Addr) string {
	host, _, err := net.SplitHostPort(address.String())
	if err != nil {
		return address.String()
	}
	return host
}
