package audit

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
)

func TestParseTargets(t *testing.T) {
	for text, want := range map[string]string{
		"file:///var/log/audit.log": "file:///var/log/audit.log", "unix:///dev/log": "unix:///dev/log",
		"udp://192.0.2.1:514": "udp://192.0.2.1:514", "tcp://[2001:db8::1]:601": "tcp://[2001:db8::1]:601",
		"": "", "/var/log/x": "", "file://var/log": "", "file:///var/": "", "unix:log": "", "tcp://logs": "", "udp://:514": "",
		"tcp://logs:0": "", "tcp://logs:70000": "", "tcp://logs:601/x": "", "https://logs:601": "", "tcp://me:secret@logs:601": "", "tcp://logs:601?x": "",
	} {
		target, err := ParseTarget(text)
		if (err == nil) != (want != "") || err == nil && target.String() != want {
			t.Errorf("%q: %v, %v", text, target, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats its input: %v", err)
		}
	}
	if _, err := ParseTargets([]string{"unix:///dev/log", "unix:///dev/log"}); err == nil || !strings.HasPrefix(err.Error(), "entry 2: ") {
		t.Errorf("a target twice: %v", err)
	}
}

// shipped ships a trail of five lines to a target, and then one more line.
func shipped(t *testing.T, target string) {
	t.Helper()
	targets, err := ParseTargets([]string{target})
	if err != nil {
		t.Fatal(err)
	}
	trail := begin(t, written(t), usual)
	t.Cleanup(trail.Close)
	trail.Ship(targets)
	write(t, trail, Event{Kind: Verb, Decision: Refused})
}

var syslogForm = regexp.MustCompile(`^<(110|108)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ pushboat \d+ (push|verb) - (\{.*\})$`)

// isMessage checks a message and the number of its line.
func isMessage(t *testing.T, text string, seq int) {
	t.Helper()
	parts := syslogForm.FindStringSubmatch(text)
	if parts == nil {
		t.Fatalf("%q is not a syslog message", text)
	}
	if e, err := decode([]byte(parts[3])); err != nil || e.Seq != uint64(seq) || (parts[1] == "108") != (e.Decision == Refused) {
		t.Errorf("message %d is %q: %v", seq, text, err)
	}
}

func TestShipByTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	shipped(t, "tcp://"+listener.Addr().String())
	readFrames(t, listener)
}

// readFrames takes a connection, and checks six messages, each behind its length.
func readFrames(t *testing.T, listener net.Listener) {
	t.Helper()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	reader := bufio.NewReader(conn)
	for seq := 1; seq <= 6; seq++ {
		length, err := reader.ReadString(' ')
		n, _ := strconv.Atoi(strings.TrimSpace(length))
		text := make([]byte, n)
		if _, short := io.ReadFull(reader, text); err != nil || short != nil {
			t.Fatal(err, short)
		}
		isMessage(t, string(text), seq)
	}
}

// TestShipByStream: a socket of the machine that takes connections gets frames, as TCP does.
func TestShipByStream(t *testing.T) {
	address := filepath.Join(t.TempDir(), "log")
	listener, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	shipped(t, "unix://"+address)
	readFrames(t, listener)
}

func TestShipByPackets(t *testing.T) {
	for network, address := range map[string]string{"udp": "127.0.0.1:0", "unixgram": filepath.Join(t.TempDir(), "log")} {
		conn, err := net.ListenPacket(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
		target := "udp://" + conn.LocalAddr().String()
		if network != "udp" {
			target = "unix://" + address
		}
		shipped(t, target)
		for seq := 1; seq <= 6; seq++ {
			text := make([]byte, maxLine)
			n, _, err := conn.ReadFrom(text)
			if err != nil {
				t.Fatal(err)
			}
			isMessage(t, string(text[:n]), seq)
		}
	}
}

// TestShipGoesOn: no line is lost while the target is away, or while the server is stopped.
func TestShipGoesOn(t *testing.T) {
	dir, to := written(t), filepath.Join(t.TempDir(), "away", "audit.log")
	target := Target{"file", to}
	trail := begin(t, dir, usual)
	defer trail.Close()
	if _, err := trail.settle(); err != nil {
		t.Fatal(err)
	}
	now, _ := trail.known()
	s := &ship{trail: trail, to: target, stop: make(chan struct{})}
	if err := s.follow(now); err == nil {
		t.Fatal("a file in a folder that does not exist was written")
	}
	if err := os.Mkdir(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		if err := s.follow(now); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(to); err != nil || strings.Count(string(text), "\n") != 5+round {
			t.Errorf("round %d: %v\n%s", round, err, text)
		}
		write(t, trail, Event{Kind: Verb, Reason: fmt.Sprint(round)})
		now, _ = trail.known()
		s = &ship{trail: trail, to: target, stop: make(chan struct{})} // as after a restart
	}
}

// BenchmarkWrite measures the cost of a line whose writer waits for it.
func BenchmarkWrite(b *testing.B) {
	logger, _ := test.NewNullLogger()
	trail := New(Config{Data: b.TempDir(), Fence: func() error { return nil }, Limits: usual, Log: logrus.NewEntry(logger)})
	defer trail.Close()
	for b.Loop() {
		if err := trail.Write(Event{Kind: Push, Operator: "ana", Ref: "refs/heads/main", Decision: Allowed}); err != nil {
			b.Fatal(err)
		}
	}
}
