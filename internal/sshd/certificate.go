package sshd

import (
	"fmt"
	"strings"
	"unicode"

	gossh "golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// forced returns the command that the session runs: that of its certificate, if it has one.
// Whoever asked for another is told.
func (s *Session) forced(op access.Operator, line string) string {
	if op.Command == "" || op.Command == line {
		return line
	}
	s.conn.log.WithField("session", s.id).Infof("ssh: %s runs %q in the place of %q", op.Certificate, clip(op.Command), clip(line))
	if line != "" {
		fmt.Fprintf(s.Stderr(), "warning: your certificate runs one command, whatever you ask for: %s\n", printable(op.Command))
	}
	return op.Command
}

// printable is a client's text as it may be shown, at most clip's length.
func printable(text string) string {
	return clip(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text))
}

// hints for those whose key or certificate opens nothing any more.
const (
	hintNoKey         = "ask an admin of this server to add your key"
	hintNoCertificate = "get a new certificate from who gave you this one; or ask an admin of this server"
)

// hintRefused is the hint for somebody whose key or certificate opens nothing.
func hintRefused(key gossh.PublicKey) string {
	if _, ok := key.(*gossh.Certificate); ok {
		return hintNoCertificate
	}
	return hintNoKey
}
