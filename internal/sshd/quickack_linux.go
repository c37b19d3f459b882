package sshd

import (
	"net"
	"syscall"
)

// acknowledge makes the kernel acknowledge at once whatever a client sends before its
// login. OpenSSH then sends small packets one after the other, and holds each back
// until the one before is acknowledged (RFC 896), while the kernel delays
// acknowledgements for 40 ms: that was a seventh of a push (measured). The setting does
// not last (tcp(7), TCP_QUICKACK), so it is repeated after each read. From the session
// on, the client uses TCP_NODELAY by itself.
func acknowledge(nc net.Conn) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // without it a login is slower, no more
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
}
