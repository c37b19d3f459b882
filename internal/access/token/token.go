// Package token keeps the tokens with which programs come to the API: who made each, with
// which key, what it is narrowed to, and until when it is good. A token's text is known to
// whoever made it, and its hash is kept here.
//
// What a token opens is decided by package access, at each request: it never gives more than
// its key gives at that time.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"regexp"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
)

// Prefix begins the text of every token, so that programs that look for secrets in code find it.
const Prefix = "pushboat_"

// Pattern matches the texts of tokens, as a regular expression. Whether the last six letters
// fit says IsOne.
const Pattern = Prefix + `[0-9A-Za-z]{49}`

// A token's text is Prefix, 256 random bits, and their checksum, in digits and letters.
const (
	bits        = 256
	secretRunes = 43 // 62^43 > 2^256
	sumRunes    = 6  // 62^6 > 2^32
)

var form = regexp.MustCompile(`^` + Pattern + `$`)

// IsOne reports whether a text has the form of a token, and its checksum.
func IsOne(text string) bool {
	return form.MatchString(text) && text[len(text)-sumRunes:] == checksum(text[:len(text)-sumRunes])
}

// newText returns the text of a new token.
func newText() string {
	var secret [bits / 8]byte
	_, _ = rand.Read(secret[:]) // never fails, see its documentation
	text := Prefix + base62(new(big.Int).SetBytes(secret[:]), secretRunes)
	return text + checksum(text)
}

// checksum is that of the text before it (CRC-32 of ISO 3309), with which a program tells a
// token from another text without asking the server.
func checksum(text string) string {
	return base62(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(text)))), sumRunes)
}

// base62 writes a number in digits and letters, with zeros before it.
func base62(n *big.Int, runes int) string {
	text := n.Text(62)
	return strings.Repeat("0", runes-len(text)) + text
}

// hash is what is kept of a token's text. The text has 256 random bits, so nothing slower is
// needed.
type hash [sha256.Size]byte

func hashOf(text string) hash { return sha256.Sum256([]byte(text)) }

// Token is what is known of a token.
type Token struct {
	ID       string       `json:"id"`             // by which people name it; it opens nothing
	Name     string       `json:"name,omitempty"` // that its maker gave it
	Operator string       `json:"operator"`
	Key      string       `json:"key"` // the fingerprint of the key that made it
	Role     access.Role  `json:"role"`
	Repos    access.Globs `json:"repositories,omitempty"` // the only ones that it is for
	Created  time.Time    `json:"created"`
	Expires  time.Time    `json:"expires"` // from then on it opens nothing
	Used     time.Time    `json:"used,omitzero"`
	Address  string       `json:"address,omitempty"` // from which it was used last
}

// Bounds are what the token leaves its bearer.
func (t Token) Bounds() access.Token { return access.Token{ID: t.ID, Role: t.Role, Repos: t.Repos} }

// Expired reports whether the token's time has come.
func (t Token) Expired(now time.Time) bool { return !now.Before(t.Expires) }
