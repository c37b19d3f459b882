package sshd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// screenKeys is how many bytes the command screen reads.
const screenKeys = 16

// testScreen says what is typed and how large the window is, until q.
func testScreen(s *Session) int {
	s.Restore("[restored]")
	keys := s.Keys(screenKeys)
	read := make(chan string)
	go func() {
		defer close(read)
		var buf [8]byte
		for {
			n, err := keys.Read(buf[:])
			if n > 0 {
				read <- fmt.Sprintf("%q", buf[:n])
			}
			if err != nil {
				read <- err.Error()
				return
			}
		}
	}()
	fmt.Fprintf(s, "begun %s\n", s.Term())
	for {
		select {
		case <-s.Resized():
			columns, rows := s.Size()
			fmt.Fprintf(s, "%d x %d\n", columns, rows)
		case text := <-read:
			fmt.Fprintln(s, text)
			if text == `"q"` {
				s.Restore("")
				_ = keys.Close() // it returns none
				fmt.Fprintln(s, <-read)
				<-s.Gone()
				return 0
			}
		case <-s.Gone():
			fmt.Fprintln(s, "discarded")
			return 1
		}
	}
}

// atScreen begins the command screen at a terminal. line waits for a line of its output.
func atScreen(t *testing.T, client *gossh.Client) (s *gossh.Session, keys io.Writer, line func(want string)) {
	t.Helper()
	s = session(t, client)
	if err := s.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	output, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	keys, err = s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("screen"); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(output)
	return s, keys, func(want string) {
		t.Helper()
		if got, err := lines.ReadString('\n'); strings.TrimRight(got, "\r\n") != want && (err == nil || got != want) {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

// TestKeysAreRead: a handler that asks has the keys, Ctrl-C too, and the size of the window as
// it changes; when it gives the keyboard back, Ctrl-C ends the session again.
func TestKeysAreRead(t *testing.T) {
	ts := start(t, nil)
	s, keys, line := atScreen(t, ts.client(ts.ana))
	line("begun xterm")
	line("80 x 24")
	for _, key := range []string{"a", "\x1b[A", "\x03", "\x04"} {
		if _, err := io.WriteString(keys, key); err != nil {
			t.Fatal(err)
		}
		line(fmt.Sprintf("%q", key))
	}
	if err := s.WindowChange(50, 132); err != nil {
		t.Fatal(err)
	}
	line("132 x 50")
	if _, err := io.WriteString(keys, "q"); err != nil {
		t.Fatal(err)
	}
	line(`"q"`)
	line(io.ErrClosedPipe.Error())
	if _, err := io.WriteString(keys, "x\x03"); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
}

// TestKeysHaveALimit: of what is typed, no more than the handler wants reaches it.
func TestKeysHaveALimit(t *testing.T) {
	ts := start(t, nil)
	_, keys, line := atScreen(t, ts.client(ts.ana))
	line("begun xterm")
	line("80 x 24")
	for range screenKeys / 8 {
		if _, err := io.WriteString(keys, "12345678"); err != nil {
			t.Fatal(err)
		}
		line(`"12345678"`)
	}
	if _, err := io.WriteString(keys, "9"); err != nil {
		t.Fatal(err)
	}
	line(errManyKeys.Error())
}

// TestScreenIsRestored: when the key of somebody at a screen is revoked, the terminal is theirs
// again before they are told.
func TestScreenIsRestored(t *testing.T) {
	ts := start(t, func(c *Config) { c.KeyCheck = 10 * time.Millisecond })
	s, _, line := atScreen(t, ts.client(ts.ben))
	line("begun xterm")
	line("80 x 24")
	ts.keys.remove(ts.ben.signer.PublicKey())
	line("[restored]") // and nothing after
	var exit *gossh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != exitRefused {
		t.Errorf("the session: %v", err)
	}
}
