package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// This file has the links that log in. A link scanner, or a messenger that makes a preview,
// opens every link that it sees: so opening one only shows a button, and it is used up by
// pressing that.

// Limits of the links that are good at once: of one operator, of whom the oldest goes, and
// of all.
const (
	maxLinksEach = 8
	maxLinks     = 1024
)

var errManyLinks = errors.New("too many links are open, try again in a minute")

// link is what a link stands for.
type link struct {
	key         ssh.PublicKey
	operator    string
	fingerprint string
	fill        func(string) string // see command.Session
	expires     time.Time
}

// links are those that are good. Only the hashes of their tokens are kept.
type links struct {
	now func() time.Time

	mu   sync.Mutex
	open map[hash]link
}

// hash is that of a token.
type hash [sha256.Size]byte

// newToken returns 256 random bits, for an address or a cookie, and their hash.
func newToken() (token string, of hash) {
	var bits [32]byte
	_, _ = rand.Read(bits[:]) // never fails, see its documentation
	token = base64.RawURLEncoding.EncodeToString(bits[:])
	return token, hashOf(token)
}

func hashOf(token string) hash { return sha256.Sum256([]byte(token)) }

// add returns the token of a new link.
func (l *links) add(to link) (string, error) {
	token, key := newToken()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(l.now())
	var own []hash
	for other, link := range l.open {
		if link.operator == to.operator {
			own = append(own, other)
		}
	}
	if len(own) >= maxLinksEach {
		oldest := slices.MinFunc(own, func(a, b hash) int { return l.open[a].expires.Compare(l.open[b].expires) })
		delete(l.open, oldest)
	}
	if len(l.open) >= maxLinks {
		return "", errManyLinks
	}
	if l.open == nil {
		l.open = map[hash]link{}
	}
	l.open[key] = to
	return token, nil
}

// peek returns what a token stands for; ok is false if it is not good, or no more.
func (l *links) peek(token string) (link, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(l.now())
	found, ok := l.open[hashOf(token)]
	return found, ok
}

// take is peek that uses the link up.
func (l *links) take(token string) (link, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(l.now())
	found, ok := l.open[hashOf(token)]
	delete(l.open, hashOf(token))
	return found, ok
}

// sweep drops the links whose time is over.
func (l *links) sweep(now time.Time) {
	for key, link := range l.open {
		if !now.Before(link.expires) {
			delete(l.open, key)
		}
	}
}
