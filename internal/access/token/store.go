package token

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// maxEach bounds the tokens of one operator, and maxName the letters of a name.
const (
	maxEach = 50
	maxName = 64
)

// kept is a token as it is kept.
type kept struct {
	Token
	PublicKey string `json:"publicKey"` // the key, or certificate, that made it, as in authorized_keys
	Hash      string `json:"hash"`      // of its text, in hex

	key ssh.PublicKey
}

// Store has the tokens of a server, in a file of the data directory. Its methods may be called
// from several goroutines.
type Store struct {
	path  string
	fence func() error
	log   *logrus.Entry
	now   func() time.Time

	mu     sync.Mutex
	broken error // nothing can be read, so nothing may be written
	tokens map[hash]*kept
	moved  bool // since the file was written, by a use
}

// Open reads the file at a path, which may be missing. A file that cannot be read opens
// nothing, and the log says so. fence is asked before anything is written.
func Open(path string, fence func() error, log *logrus.Entry) *Store {
	s := &Store{path: path, fence: fence, log: log, now: time.Now}
	if s.tokens, s.broken = read(path); s.broken != nil {
		s.broken = fmt.Errorf("read the tokens: %w; restore %s from a backup, or move it away and start again: then no token is good", s.broken, path)
		log.Error(s.broken)
	}
	return s
}

// New says what a new token is to be.
type New struct {
	Name     string
	Operator string
	Key      ssh.PublicKey // or a certificate
	// Fingerprint is that of the key, or of the certificate's key.
	Fingerprint string
	Bounds      access.Token // without an ID
	Expires     time.Time
}

// Errors of Make, which say what to change.
var (
	ErrName = fmt.Errorf("is no name of a token: up to %d letters, digits and . _ @ + -", maxName)
	ErrMany = fmt.Errorf("there are %d tokens of yours, and there may be no more", maxEach)
	ErrFull = errors.New("the server has too many tokens")
)

// TakenError is of a name that another token of the operator has.
type TakenError struct{ ID, Name string }

func (e *TakenError) Error() string {
	return fmt.Sprintf("token %s of yours is called %q already", e.ID, e.Name)
}

// Make makes a token, and returns its text, which is kept nowhere, when it is on disk.
func (s *Store) Make(n New) (text string, made Token, err error) {
	if n.Name != "" && access.CheckOperator(n.Name) != nil {
		return "", Token{}, fmt.Errorf("%q %w", n.Name, ErrName)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return "", Token{}, s.broken
	}
	now := s.now().UTC().Truncate(time.Second)
	if err := s.room(n, now); err != nil {
		return "", Token{}, err
	}
	text = newText()
	one := &kept{
		Token: Token{
			ID: s.freeID(), Name: n.Name, Operator: n.Operator, Key: n.Fingerprint,
			Role: n.Bounds.Role, Repos: n.Bounds.Repos, Created: now, Expires: n.Expires.UTC().Truncate(time.Second),
		},
		PublicKey: publicText(n.Key), key: n.Key,
	}
	of := hashOf(text)
	one.Hash = hex.EncodeToString(of[:])
	s.tokens[of] = one
	if err := s.write(); err != nil {
		delete(s.tokens, of)
		return "", Token{}, err
	}
	return text, one.Token, nil
}

// room says why there is no room for a token. s.mu is held.
func (s *Store) room(n New, now time.Time) error {
	each := 0
	for _, t := range s.tokens {
		if t.Operator != n.Operator || t.Expired(now) {
			continue
		}
		if each++; n.Name != "" && t.Name == n.Name {
			return &TakenError{t.ID, t.Name}
		}
	}
	if each >= maxEach {
		return ErrMany
	}
	return nil
}

// freeID returns an id that no token has. s.mu is held.
func (s *Store) freeID() string {
	for {
		var some [4]byte
		_, _ = rand.Read(some[:]) // never fails, see its documentation
		id := hex.EncodeToString(some[:])
		if s.byID(id) == nil {
			return id
		}
	}
}

func (s *Store) byID(id string) *kept {
	for _, t := range s.tokens {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// Find returns the token of a text that is good now, and the key that made it; ok is false if
// there is none. It compares hashes: how long that takes says nothing of any token's text.
func (s *Store) Find(text string) (found Token, key ssh.PublicKey, ok bool) {
	of := hashOf(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[of]
	if t == nil || t.Expired(s.now()) {
		return Token{}, nil, false
	}
	return t.Token, t.key, true
}

// KeyOf returns the key, or the certificate, that made a token; nil if there is no such token.
func (s *Store) KeyOf(id string) ssh.PublicKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.byID(id); t != nil {
		return t.key
	}
	return nil
}

// Good reports whether the token with an id is still good.
func (s *Store) Good(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byID(id)
	return t != nil && !t.Expired(s.now())
}

// Use notes that a token was used from an address. first says that it comes from there for the
// first time since another one, or since the server's start.
func (s *Store) Use(id string, from net.Addr) (first bool) {
	address := hostOf(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.byID(id)
	if t == nil {
		return false
	}
	first = t.Address != address
	t.Used, t.Address, s.moved = s.now().UTC().Truncate(time.Second), address, true
	return first
}

// hostOf is an address without its port, which is another one each time.
func hostOf(from net.Addr) string {
	host, _, err := net.SplitHostPort(from.String())
	if err != nil {
		return from.String()
	}
	return host
}

// List returns the tokens that are good, of an operator, or of all if operator is "": by
// operator, and by age.
func (s *Store) List(operator string) []Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Token{}
	for _, t := range s.tokens {
		if !t.Expired(s.now()) && (operator == "" || t.Operator == operator) {
			list = append(list, t.Token)
		}
	}
	slices.SortFunc(list, func(a, b Token) int {
		return cmp.Or(cmp.Compare(a.Operator, b.Operator), a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Revoke ends a token, at once and for good, also if that cannot be written: then the error
// says that it may come back with a restart. ok is false if there is none with the id.
func (s *Store) Revoke(id string) (ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for of, t := range s.tokens {
		if t.ID == id {
			delete(s.tokens, of)
			if err := s.write(); err != nil {
				s.moved = true // Keep tries again
				return true, fmt.Errorf("token %s is revoked, and comes back if the server starts before that is on disk: %w", id, err)
			}
			return true, nil
		}
	}
	return false, nil
}

// Keep writes when tokens were used last, and forgets those whose time has come, which it
// returns. It is called now and then, and at the end.
func (s *Store) Keep() (ended []Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for of, t := range s.tokens {
		if t.Expired(s.now()) {
			ended = append(ended, t.Token)
			delete(s.tokens, of)
		}
	}
	if s.broken != nil || len(ended) == 0 && !s.moved {
		return ended
	}
	if err := s.write(); err != nil {
		s.log.Warn(err)
		s.moved = true
	}
	return ended
}
