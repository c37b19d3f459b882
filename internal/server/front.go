package server

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/relay"
	"github.com/pushboat/pushboat/internal/sshd"
)

// front is the server's side of ssh connections that servers of one data directory pass on
// to each other, see package relay.
type front struct {
	*relay.Front
	listener net.Listener // of clients
	peers    net.Listener // of other servers
	forget   func()       // ends the calls of follow; nil before them
}

// openFront takes ssh connections before the server leads, and passes them on. It returns
// the address at which other servers pass theirs on to this one; "" if there is no setting
// for that.
func (s *server) openFront() (address string, err error) {
	if s.config.SSH.Relay == "" {
		return "", nil
	}
	f := &front{}
	if f.peers, err = listen(s.config.SSH.Relay); err != nil {
		return "", err
	}
	if f.listener, err = listen(s.config.SSH.Address); err != nil {
		return "", errors.Join(err, f.peers.Close())
	}
	f.Front = relay.New(relay.Config{
		Key:      func() ([]byte, error) { return readSecret(s.path(relayKey)) },
		Crowd:    sshd.NewCrowd(sshLimits(s.config.SSH), s.log),
		Patience: patience, Idle: s.config.SSH.IdleTimeout, Quiet: quietFor, Log: s.log,
	})
	s.front = f
	go func() {
		if err := f.Serve(f.listener); !errors.Is(err, net.ErrClosed) {
			s.failed <- err
		}
	}()
	return f.peers.Addr().String(), nil
}

// relayKey is the file of the secret by which servers of the data directory know each
// other.
const relayKey = "relay.key"

// follow has connections go to the server that holds the lease, while that is another one.
func (f *front) follow(own string) (holder func(identity string)) {
	return func(identity string) { f.Follow(peerOf(identity, own)) }
}

// peerOf is where the holder of a lease takes the connections of others: the end of its
// identity. It is "" for nobody, for this server itself, and for one that takes none.
func peerOf(holder, own string) string {
	_, address, _ := strings.Cut(holder, "@")
	if _, err := netip.ParseAddrPort(address); err != nil || holder == own {
		return ""
	}
	return address
}

// prepare returns the function that serves this server's own connections, and those
// that others pass on.
func (f *front) prepare(s *server) (serve func(), err error) {
	key, err := keptSecret(s.path(relayKey), "delete it, and a new one is made")
	if err != nil {
		return nil, err
	}
	s.tellAddress(f.listener.Addr(), "ssh.addr")
	return func() {
		f.Open(s.ssh.Take)
		s.background.Go(func() { relay.Receive(f.peers, key, s.ssh.Take, s.log) })
	}, nil
}

// shut has connections wait for the server that leads next.
func (f *front) shut() {
	if f != nil {
		f.peers.Close()
		f.Shut()
	}
}

// patience is how long a connection waits for a server that leads: a standby takes the
// place of one that was killed after 20 s, and has to start then.
const patience = time.Minute

// quietFor is how long no connection has to come until a server that has handed over closes
// its door: until then, kube-proxy and load balancers may not know yet.
const quietFor = 5 * time.Second

// lingerTimeout is how long a server that has handed over passes connections on, at most:
// with stopGrace, that is less than the time that Kubernetes gives it.
const lingerTimeout = 20 * time.Second

// linger passes connections on to the server that leads next, until none comes any more.
func (s *server) linger() {
	if s.front == nil {
		return
	}
	s.front.shut()
	s.log.Info("stopping: ssh connections that still come are passed on")
	ctx, cancel := context.WithTimeout(context.Background(), lingerTimeout)
	defer cancel()
	s.front.Linger(ctx)
	if s.front.forget != nil {
		s.front.forget()
	}
}
