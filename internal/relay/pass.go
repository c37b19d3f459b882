package relay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/sshd"
)

// firstBytes is how much is read from the server that leads before the connection is its:
// more than the line with which ssh begins.
const firstBytes = 4 << 10

// answered is a connection to a server whose first bytes were read.
type answered struct {
	net.Conn
	first []byte
}

// reach connects to the server that leads. It is an error until that one has begun to
// talk to the client: so far, nothing of the client's is lost. It ends when the place is
// no more the right one.
func (f *Front) reach(nc net.Conn, at place) (*answered, error) {
	ctx, cancel := context.WithTimeout(at.now, knockTimeout)
	defer cancel()
	key, err := f.Key()
	if err != nil {
		return nil, err
	}
	peer, err := new(net.Dialer).DialContext(ctx, "tcp", at.peer)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { peer.Close() })
	first, err := greet(peer, key, nc)
	if err == nil && !stop() {
		err = fmt.Errorf("the server that led: %w", context.Cause(ctx))
	}
	if err != nil {
		peer.Close()
		return nil, err
	}
	return &answered{peer, first}, nil
}

// greet names the client of the connection, and returns the first bytes of the answer.
func greet(peer net.Conn, key []byte, nc net.Conn) ([]byte, error) {
	if err := knock(peer, key, nc.RemoteAddr(), nc.LocalAddr()); err != nil {
		return nil, err
	}
	first := make([]byte, firstBytes)
	n, err := peer.Read(first)
	if n > 0 {
		return first[:n], nil
	}
	return nil, err
}

// lastWords is how long a client has to close after the server has.
const lastWords = 2 * time.Second

// join passes bytes on in both directions, until both have ended, and closes both.
func join(client net.Conn, server *answered, idle time.Duration) {
	defer client.Close()
	defer server.Close()
	var both sync.WaitGroup
	both.Go(func() {
		// An end is an end, whatever its cause: the other side sees it as one.
		_, _ = io.Copy(bounded{client, idle}, io.MultiReader(bytes.NewReader(server.first), server.Conn))
		closeWrite(client)
		_ = client.SetReadDeadline(time.Now().Add(lastWords))
	})
	both.Go(func() {
		_, _ = io.Copy(bounded{server.Conn, idle}, sshd.Prompt(client))
		closeWrite(server.Conn)
	})
	both.Wait()
}

func closeWrite(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // it may be closed
	}
}

// bounded is a connection that has to take bytes within a time.
type bounded struct {
	net.Conn
	idle time.Duration
}

// Write implements io.Writer.
func (b bounded) Write(p []byte) (int, error) {
	if err := b.SetWriteDeadline(time.Now().Add(b.idle)); err != nil {
		return 0, err
	}
	return b.Conn.Write(p)
}
