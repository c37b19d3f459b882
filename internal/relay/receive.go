package relay

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/sshd"
)

// How many connections may be open at once that have not named their client yet, of all
// addresses and of one. At a limit, the newcomer takes the place of the oldest of the
// address that has the most: whoever can reach the port keeps no server out. A server has
// one connection under way for each client that comes in at the moment.
const (
	maxStrangers      = 256
	maxStrangersOfOne = 128
)

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
	strangers := sshd.NewCrowd(sshd.Limits{MaxConnections: 2 * maxStrangers, MaxPerAddress: 2 * maxStrangersOfOne}, log)
	defer strangers.End()
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
		default:
			guest, ok := strangers.Enter(nc)
			if !ok {
				continue
			}
			asking.Go(func() {
				defer guest.Leave()
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
