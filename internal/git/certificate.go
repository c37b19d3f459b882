package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Signed pushes. A client that is offered a nonce can sign what it asks for: a certificate
// names the nonce, the push options and the refs with their old and new objects
// (gitprotocol-pack, "push-cert"). Git would run gpg or ssh-keygen on it, with keys of its
// own configuration, would store it as an object, and would make the nonce of the time and
// the path. So Git is not told: Talk offers a nonce in its name, takes the certificate off
// what the client says, and has Git read the plain commands that the certificate has.

// Limits of a certificate, in bytes. It fits about 8,000 refs.
const (
	maxCertificate = 1 << 20
	maxCommand     = 4 << 10
)

// The words of the protocol.
const (
	certificateOffer  = "push-cert="
	certificateBegin  = "push-cert"
	certificateEnd    = "push-cert-end"
	certificateHeader = "certificate version 0.1"
)

// Certificate is what the client of a signed push has signed. It is not verified.
type Certificate struct {
	Payload, Signature []byte // the signed text, and the signature with its armour

	Nonce    string
	Options  []string // push options, in order
	Commands []string // "OLD NEW REF", in order
}

// errCertificate says that a certificate is not of the form that Git's clients write.
var errCertificate = errors.New("the push certificate cannot be read")

// parseCertificate reads a certificate. It is strict: nothing in it may be read in two ways.
func parseCertificate(text []byte) (*Certificate, error) {
	start := bytes.Index(text, []byte("\n-----BEGIN ")) + 1
	if start == 0 || bytes.IndexByte(text, 0) >= 0 || bytes.IndexByte(text, '\r') >= 0 {
		return nil, errCertificate
	}
	c := &Certificate{Payload: text[:start:start], Signature: text[start:]}
	head, commands, ok := strings.Cut(string(c.Payload), "\n\n")
	if !ok || commands == "" {
		return nil, errCertificate
	}
	if err := c.readHead(strings.Split(head, "\n")); err != nil {
		return nil, err
	}
	c.Commands = strings.Split(strings.TrimSuffix(commands, "\n"), "\n")
	if slices.ContainsFunc(c.Commands, func(command string) bool { return !isCommand(command) }) {
		return nil, errCertificate
	}
	return c, nil
}

// isCommand reports whether a line asks for a ref to be moved, and for nothing else.
func isCommand(line string) bool {
	words := strings.SplitN(line, " ", 3)
	if len(line) > maxCommand || len(words) != 3 || !strings.HasPrefix(words[2], "refs/") {
		return false
	}
	_, before := ParseHash(words[0])
	_, after := ParseHash(words[1])
	return before == nil && after == nil
}

// readHead reads the header: the version, who pushes, where to (which not every client
// says), the nonce, and the push options.
func (c *Certificate) readHead(lines []string) error {
	rest := lines
	next := func(word string) (value string, ok bool) {
		if len(rest) == 0 {
			return "", false
		}
		if value, ok = strings.CutPrefix(rest[0], word+" "); ok {
			rest = rest[1:]
		}
		return value, ok
	}
	if len(rest) == 0 || rest[0] != certificateHeader {
		return errCertificate
	}
	rest = rest[1:]
	if _, ok := next("pusher"); !ok {
		return errCertificate
	}
	_, _ = next("pushee")
	var ok bool
	if c.Nonce, ok = next("nonce"); !ok {
		return errCertificate
	}
	for len(rest) > 0 {
		option, ok := next("push-option")
		if !ok {
			return errCertificate
		}
		c.Options = append(c.Options, option)
	}
	return nil
}

// plain returns the commands as lines of the protocol, the first with the client's
// capabilities.
func (c *Certificate) plain(capabilities string) []byte {
	var lines []byte
	for i, command := range c.Commands {
		if i == 0 {
			command += "\x00" + capabilities
		}
		lines = fmt.Appendf(lines, "%04x%s", len(command)+4, command)
	}
	return lines
}

// offering adds a nonce to the capabilities of Git, which stand in the first line that names
// a ref.
type offering struct {
	to    io.Writer
	nonce string
	head  []byte // that was written, and is not passed on yet
	over  bool   // the line has been passed on, or will not come
}

func (o *offering) Write(p []byte) (int, error) {
	if o.over {
		return o.to.Write(p)
	}
	o.head = append(o.head, p...)
	out, decided := withNonce(o.head, o.nonce)
	if !decided {
		return len(p), nil
	}
	o.over, o.head = true, nil
	if _, err := o.to.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// withNonce returns what Git says with the nonce added. decided is false if more has to be
// heard. What is not as expected stays as it is: the client then signs nothing.
func withNonce(said []byte, nonce string) (out []byte, decided bool) {
	for at := 0; ; {
		rest := said[at:]
		if len(rest) < 4 {
			return nil, false
		}
		size, err := strconv.ParseUint(string(rest[:4]), 16, 16)
		if err != nil || size < 4 || size > maxLine {
			return said, true
		}
		if len(rest) < int(size) {
			return nil, false
		}
		line := rest[:size]
		offer := " " + certificateOffer + nonce
		switch {
		case bytes.HasPrefix(line[4:], []byte("version ")):
			at += int(size)
			continue
		case bytes.IndexByte(line, 0) < 0 || int(size)+len(offer) > maxLine:
			return said, true
		}
		text := strings.TrimSuffix(string(line[4:]), "\n") + offer + "\n"
		out = append(out, said[:at]...)
		out = fmt.Appendf(out, "%04x%s", len(text)+4, text)
		return append(out, rest[size:]...), true
	}
}
