package git_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1" //nolint:gosec // a pack ends with a SHA-1 sum
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/gittest"
)

// bomb is a push with a pack of about 4 kB that costs Git half a minute of processor time:
// a blob of 64 KiB, 12 deltas each of which doubles it, and 40 deltas that take the largest
// one and add a bit.
func bomb(t *testing.T) io.Reader {
	t.Helper()
	const doublings, copies = 12, 40
	pack := &packWriter{t: t}
	pack.WriteString("PACK")
	pack.number(2)
	pack.number(1 + doublings + copies)
	size := 64 << 10
	pack.object(3, -1, bytes.Repeat([]byte("a"), size))
	for range doublings {
		pack.object(6, pack.last, delta(size, 2, nil))
		size *= 2
	}
	largest := pack.last
	for i := range copies {
		pack.object(6, largest, delta(size, 1, []byte{byte(i)}))
	}
	sum := sha1.Sum(pack.Bytes()) //nolint:gosec // a pack ends with a SHA-1 sum
	pack.Write(sum[:])
	command := strings.Repeat("0", 40) + " " + strings.Repeat("1", 40) + " refs/heads/main\x00report-status side-band-64k"
	return io.MultiReader(strings.NewReader(fmt.Sprintf("%04x%s0000", len(command)+4, command)), &pack.Buffer)
}

// packWriter writes a pack (gitformat-pack).
type packWriter struct {
	bytes.Buffer
	t    *testing.T
	last int // the offset of the last object
}

func (p *packWriter) number(n uint32) { p.Write(binary.BigEndian.AppendUint32(nil, n)) }

// object adds an object of a type: 3 for a blob, or 6 for a delta of the object at the
// offset base.
func (p *packWriter) object(kind byte, base int, content []byte) {
	start := p.Len()
	head, rest := kind<<4|byte(len(content)&15), uint64(len(content)>>4)
	if rest > 0 {
		p.WriteByte(head | 0x80)
		p.Write(binary.AppendUvarint(nil, rest))
	} else {
		p.WriteByte(head)
	}
	if base >= 0 {
		back := start - base
		encoded := []byte{byte(back & 127)}
		for back >>= 7; back > 0; back >>= 7 {
			back--
			encoded = append([]byte{0x80 | byte(back&127)}, encoded...)
		}
		p.Write(encoded)
	}
	z := zlib.NewWriter(p)
	if _, err := z.Write(content); err != nil {
		p.t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		p.t.Fatal(err)
	}
	p.last = start
}

// delta repeats the content of a base of a given size, and appends more.
func delta(size, times int, more []byte) []byte {
	d := binary.AppendUvarint(nil, uint64(size))
	d = binary.AppendUvarint(d, uint64(size*times+len(more)))
	const most = 1 << 23
	for range times {
		for at := 0; at < size; at += most {
			d = append(d, 0xff) // copy; 4 bytes of offset and 3 of size
			d = binary.LittleEndian.AppendUint32(d, uint32(at))
			n := min(most, size-at)
			d = append(d, byte(n), byte(n>>8), byte(n>>16))
		}
	}
	if len(more) > 0 {
		d = append(append(d, byte(len(more))), more...)
	}
	return d
}

// TestDeltaBomb: a push that causes too much work is ended together with all processes that
// Git has started for it, and leaves no files behind.
func TestDeltaBomb(t *testing.T) {
	for name, test := range map[string]struct {
		opts git.StoreOptions
		want git.Cause
	}{
		"processor time": {git.StoreOptions{MaxCPU: time.Second}, git.OverCPU},
		"time":           {git.StoreOptions{Timeout: 100 * time.Millisecond}, git.OverTime},
	} {
		t.Run(name, func(t *testing.T) {
			if test.want == git.OverCPU && runtime.GOOS != "linux" {
				t.Skip("only Linux limits the processor time")
			}
			s := newServer(t, map[string]string{"pre-receive": acceptAll}, test.opts)
			var told bytes.Buffer
			status, err := s.repo.Serve(t.Context(), git.ServeRequest{
				Service: git.ReceivePack, Stdin: bomb(t), Stdout: io.Discard, Stderr: &told, Gate: git.NewGate(),
			})
			stopped, ok := errors.AsType[*git.StoppedError](err)
			if !ok || stopped.Cause != test.want || status == 0 {
				t.Fatalf("Serve = %d, %v; want %q", status, err, test.want)
			}
			if strings.Contains(told.String(), "signal") {
				t.Errorf("the client sees %q", told.String())
			}
			s.idle()
			s.noQuarantine()
		})
	}
}

// TestClientGoneBeforeTheGate: if the client disconnects while Git processes its push, Git
// is ended.
func TestClientGoneBeforeTheGate(t *testing.T) {
	s := newServer(t, map[string]string{"pre-receive": acceptAll}, git.StoreOptions{})
	gone := make(chan struct{})
	said, out := io.Pipe()
	go func() {
		defer close(gone)
		await(said, "Resolving deltas")
		go func() { _, _ = io.Copy(io.Discard, said) }()
	}()
	status, err := s.repo.Serve(t.Context(), git.ServeRequest{
		Service: git.ReceivePack, Stdin: bomb(t), Stdout: out, Stderr: io.Discard, Gate: git.NewGate(), Gone: gone,
	})
	if stopped, ok := errors.AsType[*git.StoppedError](err); !ok || stopped.Cause != git.ClientGone {
		t.Fatalf("Serve = %d, %v; want %q", status, err, git.ClientGone)
	}
	s.idle()
	s.noQuarantine()
}

// await reads until a text arrives.
func await(from io.Reader, text string) {
	var seen []byte
	for buf := make([]byte, 4096); !bytes.Contains(seen, []byte(text)); {
		n, err := from.Read(buf)
		seen = append(seen, buf[:n]...)
		if err != nil {
			return
		}
	}
}

// TestSilentClient: Git's work for a client ends with the client, even while Git waits for
// its input. Git does not wait for ever for a client that fetches and sends nothing. A
// client that is about to push may pack for as long as it needs.
func TestSilentClient(t *testing.T) {
	for _, service := range []git.Service{git.UploadPack, git.UploadArchive, git.ReceivePack} {
		for _, want := range []git.Cause{git.ClientGone, git.OverTime} {
			if service == git.ReceivePack && want == git.OverTime {
				continue
			}
			t.Run(string(service)+"/"+string(want), func(t *testing.T) {
				opts := git.StoreOptions{Timeout: 50 * time.Millisecond}
				gone := make(chan struct{})
				if want == git.ClientGone {
					opts.Timeout = 0
					close(gone)
				}
				s := newServer(t, map[string]string{"pre-receive": acceptAll}, opts)
				stdin, client := io.Pipe()
				defer client.Close()
				_, err := s.repo.Serve(t.Context(), git.ServeRequest{Service: service, Stdin: stdin, Stdout: io.Discard, Stderr: io.Discard, Gone: gone})
				if stopped, ok := errors.AsType[*git.StoppedError](err); !ok || stopped.Cause != want {
					t.Errorf("%v; want %q", err, want)
				}
				s.idle()
			})
		}
	}
}

// TestLimitsEndAtTheGate: the kernel's limits hold until a push is judged, and no longer.
func TestLimitsEndAtTheGate(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux limits other processes")
	}
	s := newServer(t, map[string]string{
		"pre-receive":  "#!/bin/sh\ncat /proc/self/limits > \"$PUSHBOAT_DIR/before\"\necho > \"$PUSHBOAT_DIR/started\"; read x < \"$PUSHBOAT_DIR/go\"\n",
		"post-receive": "#!/bin/sh\ncat /proc/self/limits > \"$PUSHBOAT_DIR/after\"\n",
	}, git.StoreOptions{MaxCPU: 77 * time.Second, MaxPush: 32 << 20})
	started, goOn := s.fifo("started"), s.fifo("go")
	work := gittest.WorkTree(t, map[string]string{"a": "1"})
	pushed := make(chan error, 1)
	go func() {
		_, err := s.Run(work, "push", s.URL("shop"), "main")
		pushed <- err
	}()
	receive(t, started)
	(<-s.gates).Begin()
	send(t, goOn, "go")
	if err := <-pushed; err != nil {
		t.Fatal(err)
	}
	const memory, file = (1024 + 4*32) << 20, (256 + 4*32) << 20
	before, after := s.limits("before"), s.limits("after")
	for limit, want := range map[string]string{
		"Max cpu time": "77", "Max core file size": "0", "Max data size": fmt.Sprint(memory), "Max file size": fmt.Sprint(file),
	} {
		if before[limit][0] != want {
			t.Errorf("before the gate: %s is %q, want %s", limit, before[limit], want)
		}
		if limit != "Max core file size" && after[limit][0] != after[limit][1] {
			t.Errorf("after the gate: %s is %q", limit, after[limit])
		}
	}
}

// limits reads a copy of /proc/PID/limits: soft and hard limit, by name.
func (s *server) limits(file string) map[string][]string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, file))
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if len(line) > 26 {
			found[strings.TrimSpace(line[:26])] = strings.Fields(line[26:])
		}
	}
	return found
}

// idle waits until no process works in the repository: after a signal, the kernel takes a
// moment.
func (s *server) idle() {
	s.t.Helper()
	for s.t.Context().Err() == nil {
		busy := false
		links, _ := filepath.Glob("/proc/[0-9]*/cwd")
		for _, link := range links {
			if dir, err := os.Readlink(link); err == nil && strings.HasPrefix(dir, s.repo.Dir()) {
				busy = true
			}
		}
		if !busy {
			return
		}
	}
}
