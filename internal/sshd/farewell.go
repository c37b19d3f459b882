package sshd

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// farewells tell clients why they are turned away. They do so with a disconnect message
// right after the version line (RFC 4253, sections 4.2 and 11.1), which OpenSSH and
// others show to their users. The alternative, a line of text before the version, is
// shown only by ssh -v.
type farewells struct {
	slots chan struct{}
	ended sync.Once
}

// A farewell is a courtesy, so only a few run at a time, and none for long.
const (
	maxFarewells    = 32
	farewellTimeout = time.Second
	// maxUnread bounds the bytes that are read from a client that is turned away: its
	// version line and its first packet. Unread data would make the system reset the
	// connection, and the client would lose the message.
	maxUnread = 16 << 10
)

func newFarewells() *farewells { return &farewells{slots: make(chan struct{}, maxFarewells)} }

// say sends the reason to the client and closes the connection, soon and in the
// background.
func (f *farewells) say(nc net.Conn, why string) {
	select {
	case f.slots <- struct{}{}:
	default:
		nc.Close()
		return
	}
	go func() {
		defer func() { <-f.slots }()
		defer nc.Close()
		_ = nc.SetDeadline(time.Now().Add(farewellTimeout))
		if _, err := nc.Write(farewell(why)); err != nil {
			return
		}
		if tcp, ok := nc.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		_, _ = io.CopyN(io.Discard, nc, maxUnread) // until the client closes, or the deadline
	}()
}

// end returns when none is under way. None begins any more. Several may call it: two that
// took the slots at the same time would each wait for those of the other.
func (f *farewells) end() {
	f.ended.Do(func() {
		for range maxFarewells {
			f.slots <- struct{}{}
		}
	})
}

// tooManyConnections is SSH_DISCONNECT_TOO_MANY_CONNECTIONS.
const tooManyConnections = 12

// farewell returns the version line and one unencrypted packet (RFC 4253, section 6),
// which is padded to a multiple of eight bytes, with at least four.
func farewell(why string) []byte {
	payload := gossh.Marshal(struct {
		Reason   uint32 `sshtype:"1"` // SSH_MSG_DISCONNECT
		Text     string
		Language string
	}{tooManyConnections, why, ""})
	padding := 8 - (5+len(payload))%8
	if padding < 4 {
		padding += 8
	}
	word := []byte("SSH-2.0-" + version + "\r\n")
	word = binary.BigEndian.AppendUint32(word, uint32(1+len(payload)+padding)) //nolint:gosec // a few dozen
	word = append(word, byte(padding))
	word = append(word, payload...)
	return append(word, make([]byte, padding)...)
}
