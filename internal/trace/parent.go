package trace

import (
	"encoding/hex"
	"errors"
)

// lengthOfParent is that of a traceparent of version 00.
const lengthOfParent = 55

// errParent is the error for what is no traceparent. It does not repeat the text.
var errParent = errors.New("is no traceparent: write VERSION-TRACE-SPAN-FLAGS in small hexadecimal digits, " +
	"as in 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")

// ParseParent reads a traceparent as https://www.w3.org/TR/trace-context defines it. A
// version that is not known yet may have more at its end.
func ParseParent(text string) (p Parent, err error) {
	var version, flags [1]byte
	switch {
	case len(text) < lengthOfParent, text[2] != '-', text[35] != '-', text[52] != '-',
		!decode(version[:], text[:2]), !decode(p.trace[:], text[3:35]), !decode(p.span[:], text[36:52]), !decode(flags[:], text[53:55]),
		version[0] == 0xff, version[0] == 0 && len(text) != lengthOfParent, len(text) > lengthOfParent && text[lengthOfParent] != '-',
		len(text) > 2*lengthOfParent, p.trace == [16]byte{}, p.span == [8]byte{}:
		return Parent{}, errParent
	}
	p.sampled = flags[0]&1 == 1
	return p, nil
}

// decode reads small hexadecimal digits.
func decode(into []byte, text string) bool {
	for _, c := range []byte(text) {
		if c >= 'A' && c <= 'F' {
			return false
		}
	}
	n, err := hex.Decode(into, []byte(text))
	return err == nil && n == len(into)
}
