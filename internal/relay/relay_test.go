package relay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/sshd"
)

// patience is how long a test waits for an event that must happen, on a machine however slow.
const patience = 2 * time.Minute

var testKey = []byte("a secret of thirty-two bytes, ok?")

func quietLog() *logrus.Entry {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	return logrus.NewEntry(logger)
}

// member is a server in a test: a front, with a door for clients and a door for servers.
type member struct {
	*Front
	client, peer string // addresses
}

// start starts a server that does not lead, after tweak has changed its configuration.
func start(t *testing.T, tweak func(*Config)) *member {
	t.Helper()
	config := Config{
		Key:   func() ([]byte, error) { return testKey, nil },
		Crowd: sshd.NewCrowd(sshd.Limits{}, quietLog()), Patience: patience, Idle: time.Minute, Quiet: time.Millisecond, Log: quietLog(),
	}
	if tweak != nil {
		tweak(&config)
	}
	door := listen(t)
	m := &member{Front: New(config), client: door.Addr().String()}
	go func() { _ = m.Serve(door) }()
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		m.Linger(ended)
	})
	return m
}

// lead makes the server serve connections: it greets each with its name and both addresses,
// and then repeats what the client sends.
func (m *member) lead(t *testing.T, name string) {
	t.Helper()
	peers := listen(t)
	m.peer = peers.Addr().String()
	take := greeter(name)
	m.Open(take)
	go Receive(peers, testKey, take, quietLog())
}

func greeter(name string) func(net.Conn) bool {
	return func(nc net.Conn) bool {
		go func() {
			defer nc.Close()
			fmt.Fprintf(nc, "%s %s %s\n", name, nc.RemoteAddr(), nc.LocalAddr())
			_, _ = io.Copy(nc, nc)
		}()
		return true
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// call connects as a client that sends something at once.
func call(t *testing.T, address string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(nc, "hello")
	return nc
}

// served checks that a connection is served by the named server, which has got all that the
// client has sent.
func served(t *testing.T, nc net.Conn, name, at string) {
	t.Helper()
	lines := bufio.NewReader(nc)
	greeting, err := lines.ReadString('\n')
	if want := fmt.Sprintf("%s %s %s\n", name, nc.LocalAddr(), at); err != nil || greeting != want {
		t.Errorf("greeted with %q, %v; want %q", greeting, err, want)
	}
	if echo, err := lines.ReadString('\n'); err != nil || echo != "hello\n" {
		t.Errorf("the server has heard %q, %v", echo, err)
	}
}

func TestServerThatLeadsServes(t *testing.T) {
	m := start(t, nil)
	m.lead(t, "one")
	served(t, call(t, m.client), "one", m.client)
}

// TestOthersPassOn: the leading server sees the client's address, to which its limits
// apply.
func TestOthersPassOn(t *testing.T) {
	one, two := start(t, nil), start(t, nil)
	one.lead(t, "one")
	two.Follow(one.peer)
	served(t, call(t, two.client), "one", two.client)
}

func TestConnectionsWaitWhileNobodyLeads(t *testing.T) {
	for name, lead := range map[string]func(waits, other *member){
		"until this server leads":  func(waits, _ *member) { waits.lead(t, "one") },
		"until another one leads":  func(waits, other *member) { other.lead(t, "one"); waits.Follow(other.peer) },
		"until one leads that was": func(waits, other *member) { waits.Shut(); waits.lead(t, "one") },
	} {
		t.Run(name, func(t *testing.T) {
			waits, other := start(t, nil), start(t, nil)
			nc := call(t, waits.client)
			<-waits.arrived
			lead(waits, other)
			served(t, nc, "one", waits.client)
		})
	}
}

// TestConnectionsThatAreNotTakenWait: a server that has begun to stop does not accept a
// connection, and the next one gets it.
func TestConnectionsThatAreNotTakenWait(t *testing.T) {
	one, two := start(t, nil), start(t, nil)
	asked := make(chan struct{}, 100)
	one.Open(func(net.Conn) bool {
		asked <- struct{}{}
		return false
	})
	peers := listen(t)
	go Receive(peers, testKey, one.where().here, quietLog())
	two.Follow(peers.Addr().String())
	here, there := call(t, one.client), call(t, two.client)
	<-asked
	<-asked
	two.lead(t, "two")
	one.Shut()
	one.Follow(two.peer)
	served(t, here, "two", one.client)
	served(t, there, "two", two.client)
}

// TestServerThatSaysNothingLosesNoConnection: a server that was frozen accepts connections
// and sends nothing. As soon as another server leads, the connections go there.
func TestServerThatSaysNothingLosesNoConnection(t *testing.T) {
	frozen, two := listen(t), start(t, nil)
	two.Follow(frozen.Addr().String())
	nc := call(t, two.client)
	if _, err := frozen.Accept(); err != nil {
		t.Fatal(err)
	}
	two.lead(t, "two")
	served(t, nc, "two", two.client)
}

func TestStrangersPassNothingOn(t *testing.T) {
	one := start(t, nil)
	one.lead(t, "one")
	for name, key := range map[string]func() ([]byte, error){
		"another secret": func() ([]byte, error) { return []byte("another secret of the same length"), nil },
		"no secret":      func() ([]byte, error) { return nil, errors.New("there is no file") },
	} {
		two := start(t, func(c *Config) { c.Key, c.Patience = key, time.Second })
		two.Follow(one.peer)
		wantTurnedAway(t, call(t, two.client), noLeader, name)
	}
	direct := call(t, one.peer) // a client that comes in by the servers' door
	_, _ = io.CopyN(io.Discard, direct, challengeBytes)
	if n, err := direct.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Errorf("a client was served at the servers' door: %d, %v", n, err)
	}
}

// wantTurnedAway checks that a connection is told why it is not served.
func wantTurnedAway(t *testing.T, nc net.Conn, why, where string) {
	t.Helper()
	text, _ := io.ReadAll(nc)
	if !strings.HasPrefix(string(text), "SSH-2.0-") || !strings.Contains(string(text), why) {
		t.Errorf("%s: the client sees %q, want %q", where, text, why)
	}
}

func TestConnectionsDoNotWaitForever(t *testing.T) {
	m := start(t, func(c *Config) { c.Patience = time.Millisecond })
	wantTurnedAway(t, call(t, m.client), noLeader, "nobody leads")
}

func TestHowManyWaitIsLimited(t *testing.T) {
	m := start(t, func(c *Config) {
		c.Crowd = sshd.NewCrowd(sshd.Limits{MaxPerAddress: 1}, quietLog())
	})
	first := call(t, m.client)
	<-m.arrived
	wantTurnedAway(t, call(t, m.client), "too many connections from this address", "the second")
	m.lead(t, "one")
	served(t, first, "one", m.client)
}

// TestWhoWaitsMakesRoom: connections that wait for a server keep nobody out. At the limit one
// of them makes room, and the others are served.
func TestWhoWaitsMakesRoom(t *testing.T) {
	m := start(t, func(c *Config) {
		c.Crowd = sshd.NewCrowd(sshd.Limits{MaxPerAddress: 4}, quietLog())
	})
	heard := make(chan string, 3)
	for range cap(heard) {
		nc := call(t, m.client)
		go func() {
			text := make([]byte, 3)
			_, _ = io.ReadFull(nc, text)
			heard <- string(text)
		}()
	}
	if text := <-heard; text != "SSH" {
		t.Errorf("the one that made room was told %q", text)
	}
	m.lead(t, "one")
	for range cap(heard) - 1 {
		if text := <-heard; text != "one" {
			t.Errorf("another one was told %q", text)
		}
	}
}

// TestStrangersKeepNoServerOut: whoever opens connections to the servers' door, and says
// nothing, keeps no server from passing its clients on.
func TestStrangersKeepNoServerOut(t *testing.T) {
	one, two := start(t, nil), start(t, nil)
	one.lead(t, "one")
	for range maxStrangers + 10 {
		nc := call(t, one.peer)
		_, _ = io.CopyN(io.Discard, nc, challengeBytes)
	}
	two.Follow(one.peer)
	served(t, call(t, two.client), "one", two.client)
}

// TestLingeringServersPassOn: a server that has handed over goes on until the connections
// that it passes on have ended.
func TestLingeringServersPassOn(t *testing.T) {
	one, two := start(t, nil), start(t, nil)
	one.lead(t, "one")
	two.Follow(one.peer)
	nc := call(t, two.client)
	served(t, nc, "one", two.client)
	ended := make(chan struct{})
	go func() {
		two.Linger(context.Background())
		close(ended)
	}()
	late := time.After(patience)
	for refused := false; !refused; {
		another, err := net.Dial("tcp", two.client)
		if refused = err != nil; !refused {
			another.Close()
		}
		select {
		case <-late:
			t.Fatal("the server's door stays open")
		case <-ended:
			t.Fatal("the server did not wait for the connections that it passes on")
		default:
		}
	}
	fmt.Fprintln(nc, "more")
	if line, err := bufio.NewReader(nc).ReadString('\n'); line != "more\n" {
		t.Errorf("after the door was closed: %q, %v", line, err)
	}
	nc.Close()
	<-ended
}

func TestLingeringEnds(t *testing.T) {
	one, two := start(t, nil), start(t, nil)
	one.lead(t, "one")
	two.Follow(one.peer)
	nc := call(t, two.client)
	served(t, nc, "one", two.client)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	two.Linger(ctx)
	if _, err := nc.Read(make([]byte, 1)); err == nil {
		t.Error("a connection outlives its server")
	}
	if err := two.Serve(listen(t)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve afterwards: %v", err)
	}
}
