package errand

import (
	"bytes"
	"cmp"
	"io"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
)

// MaxOutput bounds what is kept of a verb's output, in bytes, where nobody sets another bound.
const MaxOutput = 64 << 10

// Session is where an errand runs, see command.Session. Nobody types, and there is no
// terminal: what the verb says is kept, up to Most bytes, or passed on by Tell.
type Session struct {
	By       access.Caller
	With     ssh.PublicKey
	FillWith func(text string) string // see command.Session
	End      <-chan struct{}          // closed when nobody wants the errand any more
	Most     int                      // that is kept, in bytes; 0: MaxOutput
	Errors   *Session                 // has the error output apart; nil: it is in the output
	Tell     func(line string)        // takes the output, cleaned, line by line; nil: it is kept

	mu  sync.Mutex
	out bytes.Buffer
}

// Write takes the verb's output, as far as there is room.
func (s *Session) Write(p []byte) (int, error) {
	s.tell(s.take(p))
	return len(p), nil
}

// Finish passes on what the verb has left without the end of a line.
func (s *Session) Finish() {
	s.mu.Lock()
	rest := s.out.String()
	if s.Tell != nil {
		s.out.Reset()
	}
	s.mu.Unlock()
	if rest != "" {
		s.tell([]string{rest})
	}
}

// take keeps output, and returns the lines that are to be passed on.
func (s *Session) take(p []byte) (lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := cmp.Or(s.Most, MaxOutput)
	for len(p) > 0 {
		n := min(len(p), most-s.out.Len())
		if n <= 0 {
			return lines // what is kept is full
		}
		s.out.Write(p[:n])
		p = p[n:]
		if s.Tell != nil {
			lines = append(lines, s.cutLocked(most)...)
		}
	}
	return lines
}

// cutLocked cuts finished lines from the output, and a line that fills all of it.
func (s *Session) cutLocked(most int) (lines []string) {
	for {
		line, _, ended := bytes.Cut(s.out.Bytes(), []byte("\n"))
		if !ended && len(line) < most {
			return lines
		}
		lines = append(lines, string(line))
		s.out.Next(len(line))
		if ended {
			s.out.Next(1)
		}
	}
}

func (s *Session) tell(lines []string) {
	if s.Tell == nil {
		return
	}
	for _, line := range lines {
		s.Tell(manifest.Clean(line))
	}
}

// Text returns what was kept, cleaned.
func (s *Session) Text() string {
	return manifest.CleanLines(strings.ToValidUTF8(string(s.Bytes()), ""))
}

// Bytes returns what was kept, as the verb has written it.
func (s *Session) Bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.out.Bytes())
}

// Stderr is where the verb says what is wrong.
func (s *Session) Stderr() io.Writer {
	if s.Errors != nil {
		return s.Errors
	}
	return s
}

// Read has nothing.
func (s *Session) Read([]byte) (int, error) { return 0, io.EOF }

// Caller returns for whom the errand is.
func (s *Session) Caller() access.Caller { return s.By }

// Key returns the key that they have logged in with.
func (s *Session) Key() ssh.PublicKey { return s.With }

// Gone is closed when nobody wants the errand any more.
func (s *Session) Gone() <-chan struct{} { return s.End }

// Terminal is false.
func (s *Session) Terminal() bool { return false }

// Size is not known.
func (s *Session) Size() (columns, rows int) { return 0, 0 }

// Colour is false.
func (s *Session) Colour() bool { return false }

// Fill replaces HOST in a text with the server's address.
func (s *Session) Fill(text string) string { return s.FillWith(text) }
