package sshd

import (
	"errors"
	"net"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"
)

// This file decides who is calling, by one rule: a key counts when its owner has signed
// with it. A client may offer any key, and gliderlabs/ssh keeps the one that it saw
// last (CVE-2024-45337, CVE-2023-43809, CVE-2026-24058), so nothing is noted while keys
// are offered. x/crypto calls verifiedKey after the signature, and the fresh
// Permissions made there are the only bearer of identity.

// keyExtension is the name under which verified Permissions carry the key.
const keyExtension = "pushboat-public-key"

// serverConfig returns a new configuration for each connection, since the library adds
// to it.
func (c *conn) serverConfig() *gossh.ServerConfig {
	config := &gossh.ServerConfig{
		MaxAuthTries:              c.config.MaxAuthTries,
		PublicKeyAuthAlgorithms:   slices.Clone(userKeyAlgorithms),
		VerifiedPublicKeyCallback: c.verifiedKey,
	}
	config.KeyExchanges = slices.Clone(keyExchanges)
	config.Ciphers = slices.Clone(ciphers)
	config.MACs = slices.Clone(macs)
	return config
}

// The algorithms that ssh-audit accepts with no fail; x/crypto's defaults include the
// NIST curves and SHA-1. The MACs that are not encrypt-then-MAC come last: libssh2
// before 1.11, and so the libgit2 of Debian 12, supports no others. Strict key exchange
// (CVE-2023-48795) is always on in x/crypto.
var (
	keyExchanges = []string{
		gossh.KeyExchangeMLKEM768X25519,
		gossh.KeyExchangeCurve25519,
		gossh.KeyExchangeDH16SHA512,
	}
	ciphers = []string{
		gossh.CipherAES256GCM, gossh.CipherAES128GCM, gossh.CipherChaCha20Poly1305,
		gossh.CipherAES256CTR, gossh.CipherAES192CTR, gossh.CipherAES128CTR,
	}
	macs              = []string{gossh.HMACSHA256ETM, gossh.HMACSHA512ETM, gossh.HMACSHA256, gossh.HMACSHA512}
	userKeyAlgorithms = []string{
		gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519, gossh.KeyAlgoSKECDSA256,
		gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521,
		gossh.KeyAlgoRSASHA256, gossh.KeyAlgoRSASHA512,
	}
)

// offeredKey reports whether a key is worth signing with. It grants nothing.
func (c *conn) offeredKey(key gossh.PublicKey) bool {
	if _, err := c.config.Keys.Identify(key, c.RemoteAddr()); err != nil {
		c.refuseKey(err.Error())
		return false
	}
	return true
}

// verifiedKey is called when the client has signed with key.
func (c *conn) verifiedKey(_ gossh.ConnMetadata, key gossh.PublicKey, _ *gossh.Permissions, _ string) (*gossh.Permissions, error) {
	c.verified()
	c.trailLogin(key)
	return &gossh.Permissions{Extensions: map[string]string{keyExtension: string(key.Marshal())}}, nil
}

// callerKey returns the verified key of a connection.
func callerKey(sc *gossh.ServerConn) (gossh.PublicKey, error) {
	if sc.Permissions == nil || sc.Permissions.Extensions[keyExtension] == "" {
		return nil, errors.New("no verified key")
	}
	return gossh.ParsePublicKey([]byte(sc.Permissions.Extensions[keyExtension]))
}

// refuseKey notes why an offered key was refused, for the one line that is logged when
// no key was accepted: agents offer every key they have, so an unknown one means
// nothing by itself.
func (c *conn) refuseKey(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refused) < c.config.MaxAuthTries && !slices.Contains(c.refused, why) {
		c.refused = append(c.refused, why)
	}
}

// failed logs, in one fixed form, a connection that did not log in:
//
//	ssh: refused 192.0.2.7 port 51234: unknown key SHA256:…, unknown key SHA256:…
//
// Address, port and fingerprints are the only words in it that the client can
// influence; the library's own words for the failure are in a field.
func (c *conn) failed(err error) {
	if c.isLoggedIn() {
		return // it broke off between the last packet of the login and the first after it
	}
	host, port, splitErr := net.SplitHostPort(c.RemoteAddr().String())
	if splitErr != nil {
		host, port = "unknown", "0"
	}
	why := c.failure(err)
	if why == madeRoom {
		return // accept has logged it, at a limited rate
	}
	if c.heard.Load() == 0 && why == brokenOff { // a load balancer's health check
		c.log.Debug("ssh: connected and left without a word")
		return
	}
	c.trailRefusal(why)
	c.log.WithField("cause", clip(err.Error())).Warnf("ssh: refused %s port %s: %s", host, port, why)
}

func (c *conn) isLoggedIn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.loggedIn
}

func (c *conn) failure(err error) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var auth *gossh.ServerAuthError
	switch {
	case c.why != "":
		return c.why
	case len(c.refused) > 0:
		return strings.Join(c.refused, ", ")
	case errors.As(err, &auth):
		return "no key offered"
	}
	return brokenOff
}

const brokenOff = "handshake broken off"

// maxLogged bounds a client's words in a line of the log, in bytes.
const maxLogged = 200

func clip(s string) string {
	if len(s) <= maxLogged {
		return s
	}
	return strings.ToValidUTF8(s[:maxLogged], "") + "…"
}
