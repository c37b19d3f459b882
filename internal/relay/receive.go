package relay

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

// maxStrangers is how many connections may be open at once that have not named their
// client yet.
const maxStrangers = 256

// received is a connection that another server has passed on, with the addresses that it
// has there.
type received struct {
	net.Conn
	client, local net.Addr
}

// RemoteAddr is the client's.
func (r received) RemoteAddr() net.Addr { return r.client }

// LocalAddr is the address to which the client has connected.
func (r received) LocalAddr() net.Addr { return r.local }

// Receive takes the connections that other servers of the data directory pass on to
// this one, until l is closed. take is as in Front.Open: Receive closes a connection
// that take refuses, and the other server keeps its client.
func Receive(l net.Listener, key []byte, take func(net.Conn) bool, log *logrus.Entry) {
	var strangers atomic.Int32
	var asking sync.WaitGroup
	defer asking.Wait()
	over, end := context.WithCancel(context.Background())
	defer end()
	for {
		nc, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			log.WithError(err).Error("ssh: accept a connection of another server")
			<-time.After(retry)
		case strangers.Add(1) > maxStrangers:
			strangers.Add(-1)
			nc.Close()
		default:
			asking.Go(func() {
				defer strangers.Add(-1)
				if err := receive(over, nc, key, take); err != nil {
					nc.Close()
					log.WithField("remote", nc.RemoteAddr().String()).WithError(err).Log(levelOf(err), "ssh: took nothing from another server")
				}
			})
		}
	}
}

// levelOf is how much a failure matters: another server that gives up is none.
func levelOf(err error) logrus.Level {
	if errors.Is(err, errStranger) {
		return logrus.WarnLevel
	}
	return logrus.DebugLevel
}

// receive asks for the client of a connection, until ctx ends, and has take serve it.
func receive(ctx context.Context, nc net.Conn, key []byte, take func(net.Conn) bool) error {
	ctx, cancel := context.WithTimeout(ctx, knockTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	client, local, err := ask(nc, key)
	switch {
	case err != nil:
		return err
	case !stop():
		return context.Cause(ctx)
	}
	if !take(received{nc, client, local}) {
		nc.Close()
	}
	return nil
}
