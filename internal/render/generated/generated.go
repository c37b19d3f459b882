// Package generated generates the values of charts that must stay the same, such as a
// password that a chart would make up at each rendering, and describes them. It does
// not store them.
package generated

import (
	"crypto/rand"
	"encoding/base64"
	"math/big"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
)

// Value is a stored value of an app.
type Value struct {
	Text string    `json:"text"`
	Made time.Time `json:"made"`
	By   string    `json:"by"` // the operator who had it made; "": the server itself
	From Origin    `json:"from"`
	Of   string    `json:"of,omitempty"` // for FromSecret: namespace/name of the Secret
}

// Origin is the origin of a value.
type Origin string

// The origins of values.
const (
	FromChance   Origin = "generated" // random
	FromOperator Origin = "set"       // given by an operator
	FromSecret   Origin = "found"     // from a Secret that existed before the app declared the value
)

// Set holds the values of an app, by their paths. It keeps those that the app no longer
// declares, since an earlier revision may come back.
type Set map[string]Value

const (
	digits  = "0123456789"
	hex     = digits + "abcdef"
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Make generates a random value, as an app declares it.
func Make(g appfile.Generated) string {
	switch g.Format {
	case appfile.FormatDigits:
		return pick(digits, g.Length)
	case appfile.FormatHex:
		return pick(hex, g.Length)
	case appfile.FormatBase64:
		return base64.StdEncoding.EncodeToString(random(g.Length))
	case appfile.FormatUUID:
		return uuid(random(16))
	}
	return pick(letters, 1) + pick(letters+digits, g.Length-1)
}

// random returns bytes of the system's generator, which does not fail (crypto/rand).
func random(n int) []byte {
	bytes := make([]byte, n)
	_, _ = rand.Read(bytes)
	return bytes
}

// pick returns characters of an alphabet, all equally likely.
func pick(alphabet string, n int) string {
	var b strings.Builder
	for range n {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil { // never, see random
			continue
		}
		b.WriteByte(alphabet[i.Int64()])
	}
	return b.String()
}

// uuid writes random bytes as a UUID of version 4 (RFC 9562).
func uuid(bytes []byte) string {
	bytes[6], bytes[8] = bytes[6]&0x0f|0x40, bytes[8]&0x3f|0x80
	var b strings.Builder
	for i, value := range bytes {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b.WriteByte('-')
		}
		b.WriteByte(hex[value>>4])
		b.WriteByte(hex[value&15])
	}
	return b.String()
}

// placeholder replaces a value that is not known, or must not be used. It has the same
// form, since a chart's schema may require it.
func placeholder(g appfile.Generated) string {
	switch g.Format {
	case appfile.FormatDigits, appfile.FormatHex:
		return strings.Repeat("0", g.Length)
	case appfile.FormatBase64:
		return base64.StdEncoding.EncodeToString(make([]byte, g.Length))
	case appfile.FormatUUID:
		return uuid(make([]byte, 16))
	}
	return strings.Repeat("GENERATED", g.Length/9+1)[:g.Length]
}

// Placeholders returns the placeholders of all values that an app declares, by their
// paths.
func Placeholders(declared []appfile.Generated) map[string]string {
	texts := map[string]string{}
	for _, g := range declared {
		texts[g.Path] = placeholder(g)
	}
	return texts
}

// Texts returns the known values that an app declares, by their paths.
func (s Set) Texts(declared []appfile.Generated) map[string]string {
	texts := map[string]string{}
	for _, g := range declared {
		if value, ok := s[g.Path]; ok {
			texts[g.Path] = value.Text
		}
	}
	return texts
}
