// Package relay keeps clients served while servers change places. Every server of a data
// directory takes ssh connections. One that does not lead passes them on to the one that
// does, with the client's address; while none leads, they wait. To the client it is one
// connection, from its first byte to its last.
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

// Config has the parts and the limits of a Front. Every field is required.
type Config struct {
	Key      func() ([]byte, error) // the secret that the servers of one data directory share
	Crowd    *sshd.Crowd            // of the connections that wait or are passed on
	Patience time.Duration          // how long a connection waits for a server that leads
	Idle     time.Duration          // how long a client may take none of the bytes passed on to it
	Quiet    time.Duration          // how long no connection has to come until Linger closes the door
	Log      *logrus.Entry
}

// retry is after how long a server is tried again that did not take a connection. What
// becomes of the servers is heard of at once.
const retry = 200 * time.Millisecond

// Front is where ssh connections come in. It sees to it that each gets to the server that
// leads.
type Front struct {
	Config
	carrying sync.WaitGroup // accept loops, and connections that wait or are passed on
	arrived  chan struct{}  // has a value when a connection has come
	end      context.Context
	cut      context.CancelFunc // ends every connection
	told     sync.Once          // that a client was turned away

	mu        sync.Mutex
	closing   bool
	listeners []net.Listener
	place     place
	moved     context.CancelFunc // ends place.now
}

// place is where connections go.
type place struct {
	here func(net.Conn) bool // this server leads, and takes them; nil: it does not
	peer string              // where the server that leads takes them; "": none is known
	now  context.Context     // ends when they go elsewhere
}

// New makes a Front at which connections wait.
func New(config Config) *Front {
	f := &Front{Config: config, arrived: make(chan struct{}, 1)}
	f.end, f.cut = context.WithCancel(context.Background())
	f.move(func(*place) {})
	return f
}

// Open has this server serve the connections: take is false once it does no more, and has
// then left the connection alone.
func (f *Front) Open(take func(net.Conn) bool) { f.move(func(p *place) { p.here = take }) }

// Shut has connections go to another server from now on.
func (f *Front) Shut() { f.move(func(p *place) { p.here = nil }) }

// Follow says where another server takes connections, HOST:PORT, which counts as long as
// this one serves none; "": none is known.
func (f *Front) Follow(peer string) { f.move(func(p *place) { p.peer = peer }) }

func (f *Front) move(change func(*place)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.moved != nil {
		f.moved()
	}
	change(&f.place)
	f.place.now, f.moved = context.WithCancel(f.end)
}

func (f *Front) where() place {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.place
}

// Serve takes connections from l until Linger closes it, or until it fails.
func (f *Front) Serve(l net.Listener) error {
	if !f.enter(l) {
		return net.ErrClosed
	}
	defer f.carrying.Done()
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			f.note()
			f.carrying.Go(func() { f.carry(nc) })
		case errors.Is(err, net.ErrClosed):
			return err
		default: // too many open files, mostly: it passes
			f.Log.WithError(err).Error("ssh: accept a connection")
			f.wait(f.end)
		}
	}
}

func (f *Front) enter(l net.Listener) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		l.Close()
		return false
	}
	f.listeners = append(f.listeners, l)
	f.carrying.Add(1)
	return true
}

func (f *Front) note() {
	select {
	case f.arrived <- struct{}{}:
	default: // it is known already that one has come
	}
}

// wait waits for retry, or until ctx ends.
func (f *Front) wait(ctx context.Context) {
	timer := time.NewTimer(retry)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// noLeader is said to a client that has waited in vain.
const noLeader = "no server leads at the moment, try again later"

// carry brings a connection to the server that leads, now or when there is one.
func (f *Front) carry(nc net.Conn) {
	guest, ok := f.Crowd.Enter(nc)
	if !ok {
		return
	}
	defer guest.Leave()
	late := time.Now().Add(f.Patience)
	for f.end.Err() == nil && time.Now().Before(late) {
		at := f.where()
		if f.deliver(guest, at) {
			return
		}
		f.wait(at.now)
		select {
		case <-guest.Out():
			return
		default:
		}
	}
	f.Crowd.TurnAway(nc, noLeader)
}

// deliver brings a connection to a place. It is false if nobody took it there; the
// connection is then as it was.
func (f *Front) deliver(guest *sshd.Guest, at place) bool {
	nc := guest.Conn
	switch {
	case at.here != nil:
		return at.here(nc)
	case at.peer == "":
		return false
	}
	peer, err := f.reach(nc, at)
	if err != nil {
		f.Log.WithError(err).Debugf("ssh: pass a connection on to %s", at.peer)
		return false
	}
	guest.Served()
	defer context.AfterFunc(f.end, func() {
		nc.Close()
		peer.Close()
	})()
	join(nc, peer, f.Idle)
	return true
}

// Linger passes connections on until none has come for a while, closes the door, and
// waits for those that are passed on. What is left when ctx ends is cut off.
func (f *Front) Linger(ctx context.Context) {
	timer := time.NewTimer(f.Quiet)
	defer timer.Stop()
	for open := true; open; {
		select {
		case <-f.arrived:
			timer.Reset(f.Quiet)
		case <-timer.C:
			open = false
		case <-ctx.Done():
			open = false
		}
	}
	f.close()
	ended := make(chan struct{})
	go func() {
		f.carrying.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	f.cut()
	<-ended
	f.told.Do(f.Crowd.End)
}

func (f *Front) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closing = true
	for _, l := range f.listeners {
		l.Close()
	}
}
