package sshd

import (
	"io"
	"net"
)

// loginBytes is more than a client sends until its session begins.
const loginBytes = 16 << 10

// prompt reads from a client, and acknowledges at once everything before its session.
type prompt struct {
	net.Conn
	left int
}

// Prompt reads from a client that another server serves, as promptly as a server does.
func Prompt(nc net.Conn) io.Reader { return &prompt{Conn: nc, left: loginBytes} }

// Read implements io.Reader.
func (p *prompt) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if p.left > 0 {
		p.left -= n
		acknowledge(p.Conn)
	}
	return n, err
}
