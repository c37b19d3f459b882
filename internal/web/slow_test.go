package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/command"
	"github.com/pushboat/pushboat/internal/name"
)

// once listens for one connection, which is there already.
type once struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (o once) Accept() (net.Conn, error) {
	select {
	case conn := <-o.conn:
		return conn, nil
	case <-o.closed:
		return nil, net.ErrClosed
	}
}
func (o once) Close() error   { close(o.closed); return nil }
func (o once) Addr() net.Addr { return &net.TCPAddr{} }

// connect opens a stream of a real server, by a connection that has no buffers: what nobody
// reads, nobody can write. It returns when the stream has begun.
func (h *house) connect(t *testing.T, address, header string) *bufio.Reader {
	t.Helper()
	ours, theirs := net.Pipe()
	listener := once{make(chan net.Conn, 1), make(chan struct{})}
	listener.conn <- theirs
	server := &http.Server{Handler: h.Door, ReadHeaderTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); _ = ours.Close() })
	if _, err := fmt.Fprintf(ours, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", address, host, header); err != nil {
		t.Fatal(err)
	}
	read := bufio.NewReader(ours)
	for line := ""; line != ":\n"; {
		var err error
		if line, err = read.ReadString('\n'); err != nil {
			t.Fatalf("the stream does not begin: %v", err)
		}
	}
	return read
}

// TestBrowserThatDoesNotReadIsDropped: it is cut off by the deadline of the connection itself,
// and nobody else waits for it.
func TestBrowserThatDoesNotReadIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		news := make(chan struct{})
		h.hub.listen = func() (<-chan struct{}, func()) { return news, func() {} }
		h.hub.look = func() []name.App { return []name.App{"shop"} }
		h.hub.haste = func() <-chan struct{} { return nil }
		b := &browser{house: h}
		b.logIn(t, h.guest(t, "ana", access.RoleAdmin))
		cookie := "Cookie: " + b.cookies[0].Name + "=" + b.cookies[0].Value
		h.connect(t, "/live", cookie) // which is never read again
		quick := h.connect(t, "/live", cookie)
		h.hub.mu.Lock()
		for l := range h.hub.listeners { // the engine has no apps that they could see
			l.hears = func(name.App) bool { return true }
		}
		h.hub.mu.Unlock()
		began := time.Now()
		for open := 2; open == 2; {
			news <- struct{}{}
			for line := ""; line != "event: moved\n"; {
				var err error
				if line, err = quick.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			s := h.sessions.list()[0]
			s.mu.Lock()
			open = s.streams
			s.mu.Unlock()
		}
		if took := time.Since(began); took < readWithin || took > 2*readWithin {
			t.Errorf("it is dropped after %s", took)
		}
	})
}

// TestProgramThatDoesNotReadIsDropped: so is a program at the API, and the verb behind it ends.
func TestProgramThatDoesNotReadIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		events, ended := 0, make(chan error)
		o.Run = func(_ context.Context, s command.Session, _ []string) int {
			for n := 1; ; n++ {
				if _, err := io.WriteString(s, fmt.Sprintf("{\"number\": %d, \"kind\": \"deploy\", \"detail\": %q}\n", n, strings.Repeat("x", 1000))); err != nil {
					events = n
					ended <- err
					return 0
				}
			}
		}
		text, made := o.give(t, o.guest(t, "ana", access.RoleAdmin), access.Token{Role: access.RoleRead})
		o.connect(t, apiPath+"/events?follow=true", "Authorization: Bearer "+text)
		began := time.Now()
		err := <-ended
		if took := time.Since(began); took < readWithin || took > 2*readWithin {
			t.Errorf("it is dropped after %s: %v", took, err)
		}
		if events > 100 {
			t.Errorf("%d events were kept for somebody who does not read", events)
		}
		synctest.Wait()
		if end, err := o.calls.follow(made.ID); err != nil || o.calls.streams[made.ID] != 1 {
			t.Errorf("the token has %d streams: %v", o.calls.streams[made.ID], err)
		} else {
			end()
		}
	})
}

// TestStreamOfATokenThatEndsIsCutOff: also while its program does not read.
func TestStreamOfATokenThatEndsIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		ended := make(chan error)
		o.Run = func(_ context.Context, s command.Session, _ []string) int {
			_, err := io.WriteString(s, "{\"number\": 1, \"kind\": \"deploy\"}\n")
			ended <- err
			return 0
		}
		text, made := o.give(t, o.guest(t, "ana", access.RoleAdmin), access.Token{Role: access.RoleRead})
		o.connect(t, apiPath+"/events?follow=true", "Authorization: Bearer "+text)
		began := time.Now()
		if ok, err := o.Tokens.Revoke(made.ID); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if err := <-ended; err == nil || time.Since(began) > 2*keyCheck {
			t.Errorf("it ends after %s: %v", time.Since(began), err)
		}
	})
}
