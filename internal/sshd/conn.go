package sshd

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	gossh "golang.org/x/crypto/ssh"
)

// lingerTimeout is how long a server that is shutting down leaves a connection open
// after its last session, so that the client can read the end and close.
const lingerTimeout = 2 * time.Second

// How long a shutdown waits for the first session of a connection: after the connection
// was made, and after its client has logged in. Whoever connected before the shutdown
// expects to be served; a port scan, which says nothing, delays nobody for long.
const (
	arrivalTimeout = 10 * time.Second
	silentTimeout  = 2 * time.Second
)

// slotTimeout is how long a session waits for another of its connection to end. Ten
// milliseconds were measured with a client on the same machine; a busy one takes longer.
const slotTimeout = time.Second

// conn is a client's connection with its limits on time and number. One timer closes
// it: it runs until the login, while no session runs, and while the last one ends in a
// shutdown.
type conn struct {
	net.Conn
	config *Config
	log    *logrus.Entry
	pass   *pass

	closed    chan struct{} // closed with mu held
	closeOnce sync.Once
	heard     atomic.Int64   // when a byte was last received, in Unix nanoseconds; 0: never
	known     atomic.Bool    // loggedIn, for Read
	handlers  sync.WaitGroup // and the goroutines beside them
	keeping   sync.Once
	slots     chan struct{} // holds one for each session channel
	waiting   atomic.Int32  // sessions waiting for a slot

	mu       sync.Mutex
	loggedIn bool
	since    time.Time // it was made, or has logged in
	opened   bool      // it has had a session channel
	open     int       // session channels
	running  int       // of them, with a handler
	draining bool
	timer    *time.Timer
	deadline time.Time
	why      string // the reason why we closed the connection
	refused  []string
}

func newConn(nc net.Conn, config *Config, p *pass) *conn {
	c := &conn{
		Conn:   nc,
		config: config,
		log:    config.Log.WithField("remote", nc.RemoteAddr().String()),
		pass:   p,
		closed: make(chan struct{}),
		slots:  make(chan struct{}, config.MaxSessions),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since = time.Now()
	c.deadline = c.since.Add(config.HandshakeTimeout)
	c.timer = time.AfterFunc(config.HandshakeTimeout, c.expire)
	p.belongsTo(c)
	return c
}

// Read notes that the client is alive.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.heard.Store(time.Now().UnixNano())
		if !c.known.Load() {
			acknowledge(c.Conn)
		}
	}
	return n, err
}

// Close closes the connection; it may be called again.
func (c *conn) Close() (err error) {
	c.closeOnce.Do(func() {
		c.mu.Lock()
		close(c.closed)
		c.timer.Stop()
		c.mu.Unlock()
		err = c.Conn.Close()
	})
	return err
}

// SetDeadline does nothing: gliderlabs/ssh calls it around every read and write, and
// would remove the limit of the handshake.
func (c *conn) SetDeadline(time.Time) error { return nil }

// verified ends the handshake's time limit.
func (c *conn) verified() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loggedIn, c.since = true, time.Now()
	c.known.Store(true)
	c.pass.loggedIn()
	c.rearm()
}

// openSession counts a session channel, or returns the reason for refusing it. In a
// shutdown, a connection may still have its first one.
func (c *conn) openSession() (refusal string) {
	if !c.takeSlot() {
		return "too many sessions on this connection"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining && c.opened {
		<-c.slots
		return "the server is shutting down"
	}
	c.opened = true
	c.open++
	c.rearm()
	return ""
}

// takeSlot waits a moment for a free slot: a client that runs one session after the
// other starts the next before the server has ended the last.
func (c *conn) takeSlot() bool {
	select {
	case c.slots <- struct{}{}:
		return true
	default:
	}
	defer c.waiting.Add(-1)
	if int(c.waiting.Add(1)) > c.config.MaxSessions {
		return false
	}
	timer := time.NewTimer(slotTimeout)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
		return true
	case <-timer.C:
	case <-c.closed:
	}
	return false
}

// closeSession is called when a channel is closed and its handler has returned.
func (c *conn) closeSession() {
	c.mu.Lock()
	defer c.mu.Unlock()
	<-c.slots
	c.open--
	c.rearm()
}

// startHandler counts a running handler; it returns false if the connection is already
// closed.
func (c *conn) startHandler() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosed() {
		return false
	}
	c.running++
	c.handlers.Add(1)
	c.rearm()
	return true
}

func (c *conn) endHandler() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	c.handlers.Done()
	c.rearm()
}

// drain closes the connection when its sessions have ended. It may still begin its
// first.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	c.rearm()
}

// rearm sets the timer for the client's next step. c.mu is held.
func (c *conn) rearm() {
	switch {
	case c.running > 0:
		c.timer.Stop()
	case c.draining && !c.opened:
		c.closeIn(time.Until(c.arrivesUntil()))
	case c.draining && c.open == 0:
		c.closeIn(0)
	case c.draining:
		c.closeIn(lingerTimeout)
	case c.loggedIn:
		c.closeIn(c.config.IdleTimeout)
	}
}

// arrivesUntil is until when a shutdown waits for the first session. c.mu is held.
func (c *conn) arrivesUntil() time.Time {
	if c.heard.Load() == 0 {
		return c.since.Add(silentTimeout)
	}
	return c.since.Add(arrivalTimeout)
}

func (c *conn) closeIn(d time.Duration) {
	if c.isClosed() {
		return // a timer would only keep the connection in memory
	}
	c.deadline = time.Now().Add(d)
	c.timer.Reset(d)
}

func (c *conn) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// expire is called by the timer.
func (c *conn) expire() {
	c.mu.Lock()
	if c.draining && !c.opened && time.Now().Before(c.arrivesUntil()) { // it has said a word meanwhile
		c.rearm()
	}
	due := c.running == 0 && !time.Now().Before(c.deadline)
	draining, loggedIn := c.draining, c.loggedIn
	c.mu.Unlock()
	if !due {
		return // it was reset while it fired
	}
	switch {
	case draining:
		c.closeBecause("the server is shutting down")
	case loggedIn:
		c.closeBecause("idle for " + c.config.IdleTimeout.String())
	default:
		c.closeBecause("not logged in after " + c.config.HandshakeTimeout.String())
	}
}

// silent reports whether the client has not sent a byte.
func (c *conn) silent() bool { return c.heard.Load() == 0 }

func (c *conn) closeBecause(why string) {
	c.mu.Lock()
	if c.why == "" {
		c.why = why
	}
	c.mu.Unlock()
	_ = c.Close() // closing it twice does no harm
}

// ended logs why the connection of a logged-in user was closed, if the user did not
// close it.
func (c *conn) ended() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loggedIn && c.why != "" {
		c.log.Info("ssh: connection closed: " + c.why)
	}
}

// keepAlive requests a sign of life from the client at intervals, and closes the
// connection if none comes. One request is outstanding at a time (TCP preserves the
// order, so a second would tell nothing more). Every byte from the client counts as an
// answer, so a slow upload ahead of it does no harm.
func (c *conn) keepAlive(sc *gossh.ServerConn) {
	c.keeping.Do(func() { c.beside(func() { c.keepAsking(sc) }) })
}

// beside runs f on a goroutine that the end of the connection waits for. Once the
// connection is closed, nothing is run.
func (c *conn) beside(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.isClosed() {
		c.handlers.Go(f)
	}
}

func (c *conn) keepAsking(sc *gossh.ServerConn) {
	defer c.contain("keepalive")
	var asking atomic.Bool
	interval := c.config.KeepAlive
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-c.closed:
			return
		case <-ticker.C:
		}
		silent := time.Since(time.Unix(0, c.heard.Load()))
		if silent > interval*time.Duration(c.config.KeepAliveMisses)+interval/2 {
			c.closeBecause("no answer to keepalives")
			return
		}
		if asking.CompareAndSwap(false, true) {
			c.beside(func() {
				defer c.contain("keepalive request")
				defer asking.Store(false)
				_, _, _ = sc.SendRequest("keepalive@openssh.com", true, nil) // an error shows as silence
			})
		}
	}
}
