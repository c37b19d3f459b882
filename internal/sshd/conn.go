package sshd

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	gossh "golang.org/x/crypto/ssh"
)

// lingerTimeout is how long a server that is shutting down leaves a connection
// open after its last session, for the client to read the end and close.
const lingerTimeout = 2 * time.Second

// slotTimeout is how long a session waits for another of its connection to
// end. Ten milliseconds were measured with a client on the same machine.
const slotTimeout = 200 * time.Millisecond

// conn is a client's connection with its limits of time and number. One timer
// closes it: it runs until the login, while no session runs, and while the
// last one ends in a shutdown.
type conn struct {
	net.Conn
	config *Config
	log    *logrus.Entry
	pass   *pass

	closed    chan struct{} // closed with mu held
	closeOnce sync.Once
	heard     atomic.Int64 // when a byte was last received, in Unix nanoseconds; 0: never
	known     atomic.Bool  // loggedIn, for Read
	handlers  sync.WaitGroup
	keeping   sync.Once
	slots     chan struct{} // holds one for each session channel
	waiting   atomic.Int32  // sessions that wait for a slot

	mu       sync.Mutex
	loggedIn bool
	open     int // session channels
	running  int // of them, with a handler
	draining bool
	timer    *time.Timer
	deadline time.Time
	why      string // the connection was closed by us
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
	c.deadline = time.Now().Add(config.HandshakeTimeout)
	c.timer = time.AfterFunc(config.HandshakeTimeout, c.expire)
	p.belongsTo(c)
	return c
}

// Read notes that the client lives.
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

// SetDeadline does nothing: gliderlabs/ssh calls it around every read and
// write, and would lift the limit of the handshake.
func (c *conn) SetDeadline(time.Time) error { return nil }

// verified ends the handshake's limit.
func (c *conn) verified() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loggedIn = true
	c.known.Store(true)
	c.pass.loggedIn()
	c.rearm()
}

// openSession counts a session channel, or says why there can be none.
func (c *conn) openSession() (refusal string) {
	if !c.takeSlot() {
		return "too many sessions on this connection"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining {
		<-c.slots
		return "the server is shutting down"
	}
	c.open++
	return ""
}

// takeSlot waits a moment if there is none: a client that runs one session
// after the other is faster with the next than the server with the last.
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

// startHandler counts a running handler; it is false in a shutdown and when
// the connection is closed already.
func (c *conn) startHandler() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining || c.isClosed() {
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

// drain closes the connection when its running sessions have ended.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	c.rearm()
}

// rearm sets the timer for the next step of the client. c.mu is held.
func (c *conn) rearm() {
	switch {
	case c.running > 0:
		c.timer.Stop()
	case c.draining && c.open == 0:
		c.closeIn(0)
	case c.draining:
		c.closeIn(lingerTimeout)
	case c.loggedIn:
		c.closeIn(c.config.IdleTimeout)
	}
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

// expire is the timer's.
func (c *conn) expire() {
	c.mu.Lock()
	due := c.running == 0 && !time.Now().Before(c.deadline)
	draining, loggedIn := c.draining, c.loggedIn
	c.mu.Unlock()
	if !due {
		return // it was set anew while it fired
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

func (c *conn) closeBecause(why string) {
	c.mu.Lock()
	if c.why == "" {
		c.why = why
	}
	c.mu.Unlock()
	_ = c.Close() // closed by both sides at once is closed all the same
}

// ended logs why the connection of somebody who was logged in was closed, when
// it was not they who closed it.
func (c *conn) ended() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loggedIn && c.why != "" {
		c.log.Info("ssh: connection closed: " + c.why)
	}
}

// keepAlive asks the client for a sign of life, once a connection, and closes
// it when none comes. One request is under way at a time (TCP keeps the order,
// so a second would learn nothing); every byte from the client counts as an
// answer, so that a slow upload in front of it does no harm.
func (c *conn) keepAlive(sc *gossh.ServerConn) {
	c.keeping.Do(func() { go c.keepAsking(sc) })
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
			go func() {
				defer c.contain("keepalive request")
				defer asking.Store(false)
				_, _, _ = sc.SendRequest("keepalive@openssh.com", true, nil) // an error shows as silence
			}()
		}
	}
}
