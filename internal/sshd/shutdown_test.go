package sshd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

func TestShutdownWaitsForRunningSessions(t *testing.T) {
	ready, release := make(chan struct{}), make(chan struct{})
	ts := start(t, func(c *Config) {
		c.Handlers.Command = func(ctx context.Context, s *Session, args []string) int {
			close(ready)
			<-release
			if ctx.Err() != nil {
				t.Errorf("the context of a session that may finish: %v", ctx.Err())
			}
			io.WriteString(s, "finished\n")
			return 9
		}
	})
	client, idle := ts.client(ts.ana), ts.client(ts.ana)
	session(t, idle).Close()
	s := session(t, client)
	var out strings.Builder
	s.Stdout = &out
	if err := s.Start("work"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	ended := make(chan error, 1)
	go func() { ended <- ts.Shutdown(context.Background()) }()
	await(t, ts.served, "Serve's return")
	idle.Wait() // a connection without work is closed at once
	if _, err := client.NewSession(); err == nil {
		t.Error("a new session was opened during the shutdown")
	}
	if _, err := net.Dial("tcp", ts.addr); err == nil {
		t.Error("a new connection was accepted during the shutdown")
	}
	select {
	case err := <-ended:
		t.Fatalf("Shutdown did not wait: %v", err)
	default:
	}
	close(release)
	var exit *gossh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 9 || out.String() != "finished\n" {
		t.Errorf("the running session: %v, %q", err, out.String())
	}
	if err := <-ended; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := ts.Serve(newListener(t)); !errors.Is(err, ErrServerClosed) {
		t.Errorf("Serve afterwards: %v", err)
	}
}

// TestShutdownLetsArrivalsBegin: a client that connected before a shutdown is served. Its
// handshake takes a moment, and it cannot know of the shutdown.
func TestShutdownLetsArrivalsBegin(t *testing.T) {
	ts := start(t, nil)
	raw, silent, loggedIn := dial(t, ts.addr), dial(t, ts.addr), ts.client(ts.ana)
	eventually(t, "three connections", func() bool { return len(ts.open()) == 3 })
	fmt.Fprint(raw, "SSH-2.0-slow\r\n")
	eventually(t, "the slow one's first word", func() bool { return ts.heard() == 2 })
	ended := make(chan error, 1)
	go func() { ended <- ts.Shutdown(context.Background()) }()
	await(t, ts.served, "Serve's return")
	if out, err := session(t, loggedIn).Output("whoami"); err != nil || !strings.HasPrefix(string(out), "ana ") {
		t.Errorf("a session that begins during the shutdown: %q, %v", out, err)
	}
	if _, err := loggedIn.NewSession(); err == nil {
		t.Error("a second session was opened during the shutdown")
	}
	_, _ = io.Copy(io.Discard, silent) // the server closes the silent connection first
	_, _ = io.Copy(io.Discard, raw)
	if err := <-ended; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

// heard is the number of connections whose clients have sent something.
func (ts *testServer) heard() (n int) {
	for _, c := range ts.open() {
		if c.heard.Load() != 0 {
			n++
		}
	}
	return n
}

// TestNothingIsTakenAfterAShutdown: a connection that arrives at the moment of the shutdown
// stays with the caller that offers it.
func TestNothingIsTakenAfterAShutdown(t *testing.T) {
	ts := start(t, nil)
	if err := ts.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	defer far.Close()
	if ts.Take(near) {
		t.Error("the connection was taken after the shutdown")
	}
	go fmt.Fprint(near, "it is open")
	text := make([]byte, 10)
	if _, err := io.ReadFull(far, text); err != nil || string(text) != "it is open" {
		t.Errorf("%q, %v", text, err)
	}
}

func newListener(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestShutdownThatRunsOutOfTime(t *testing.T) {
	ready := make(chan struct{})
	ts := start(t, func(c *Config) {
		c.Handlers.Command = func(ctx context.Context, _ *Session, _ []string) int {
			close(ready)
			<-ctx.Done()
			return 0
		}
	})
	client := ts.client(ts.ana)
	if err := session(t, client).Start("work"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := ts.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
	client.Wait()
	if n := len(ts.open()); n != 0 {
		t.Errorf("%d connections are open", n)
	}
}

func TestShutdownDoesNotWaitForeverForAHandler(t *testing.T) {
	ready, release := make(chan struct{}), make(chan struct{})
	ts := start(t, func(c *Config) {
		c.KillGrace = 50 * time.Millisecond
		c.Handlers.Command = func(context.Context, *Session, []string) int {
			close(ready)
			<-release // it ignores its context
			return 0
		}
	})
	if err := session(t, ts.client(ts.ana)).Start("work"); err != nil {
		t.Fatal(err)
	}
	await(t, ready, "the handler")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := ts.Shutdown(ctx)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "of 1 connections did not end") {
		t.Errorf("Shutdown: %v", err)
	}
	close(release)
	if err := ts.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown again: %v", err)
	}
}

// TestFarewellsEndForEveryCaller: a shutdown that ran out of time may be tried again while
// the first one still waits.
func TestFarewellsEndForEveryCaller(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		f := newFarewells()
		var callers sync.WaitGroup
		for range 2 {
			callers.Go(f.end)
		}
		callers.Wait() // panics if one waits for ever
		f.end()
	})
}
