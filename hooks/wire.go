package hooks

// The conversation on the hook socket.
//
// The hook sends one request: fields "key=value", each ended by a NUL, and an empty
// field as the end. (Neither the environment nor a ref can hold a NUL, but a push
// option can hold a newline.) The server answers with frames: a byte for the kind, four
// for the length (big-endian), and that many bytes. 'o' is output; 'x' is the verdict,
// one byte, the exit status. If a connection ends without a verdict, the server has
// vanished, and there is no verdict.

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The environment that the server gives to git, and git to the hooks.
const (
	EnvHook   = "PUSHBOAT_HOOK"   // the hook program
	EnvSocket = "PUSHBOAT_SOCKET" // the server's socket
	EnvToken  = "PUSHBOAT_TOKEN"  // names the push; valid once for each hook
)

// LimitError is a push that does not fit into a request.
type LimitError struct {
	Message string
	Next    string // the next thing to try, for the pusher
}

// Error names the exceeded limit.
func (e *LimitError) Error() string { return e.Message }

// Hint returns the next thing to try.
func (e *LimitError) Hint() string { return e.Next }

// Limits on a request. A client chooses the refs and the options of a push.
const (
	MaxRefs        = 20_000
	MaxRefsBytes   = 8 << 20 // of all of them together
	maxRequest     = MaxRefsBytes + 1<<20
	MaxOptions     = 16
	MaxOptionBytes = 1 << 10
	MaxRefBytes    = 4 << 10
	maxFieldBytes  = 8 << 10
	maxFrameBytes  = 1 << 20
)

// Request is Git's input to a hook.
type Request struct {
	Token      string
	Hook       string   // PreReceive or PostReceive
	Quarantine string   // GIT_QUARANTINE_PATH; "" outside quarantine
	Options    []string // push options, in order
	Refs       []string // "OLD NEW REF", as Git writes them
}

// Write sends the request. Too many or too large options and refs are an error
// that tells the pusher what to do.
func (r Request) Write(w io.Writer) error {
	if err := r.check(); err != nil {
		return err
	}
	var b bytes.Buffer
	field := func(key, value string) {
		b.WriteString(key + "=" + value)
		b.WriteByte(0)
	}
	field("token", r.Token)
	field("hook", r.Hook)
	field("quarantine", r.Quarantine)
	for _, option := range r.Options {
		field("option", option)
	}
	for _, ref := range r.Refs {
		field("ref", ref)
	}
	b.WriteByte(0)
	_, err := w.Write(b.Bytes())
	return err
}

// ReadRequest reads a request within its limits.
func ReadRequest(from io.Reader) (Request, error) {
	var r Request
	in := bufio.NewReaderSize(io.LimitReader(from, maxRequest), maxFieldBytes)
	for {
		field, err := in.ReadSlice(0)
		if err != nil {
			return Request{}, fmt.Errorf("read hook request: %w", err)
		}
		if len(field) == 1 {
			return r, r.check()
		}
		key, value, _ := strings.Cut(string(field[:len(field)-1]), "=")
		if err := r.set(key, value); err != nil {
			return Request{}, err
		}
	}
}

func (r *Request) set(key, value string) error {
	switch key {
	case "token":
		r.Token = value
	case "hook":
		r.Hook = value
	case "quarantine":
		r.Quarantine = value
	case "option":
		r.Options = append(r.Options, value)
	case "ref":
		r.Refs = append(r.Refs, value)
	default:
		return fmt.Errorf("read hook request: unknown field %q", key)
	}
	// Check before more than the limit has arrived.
	return r.checkCounts()
}

// TooManyRefs is the error for a push of more than MaxRefs refs.
func TooManyRefs() error {
	return &LimitError{fmt.Sprintf("more than %d refs in one push", MaxRefs), "push them in parts"}
}

// TooLongRef is the error for a ref of more than MaxRefBytes, with its objects' ids.
func TooLongRef() error {
	return &LimitError{fmt.Sprintf("a ref of more than %d bytes", MaxRefBytes), "give it a shorter name"}
}

// TooManyOptions is the error for a push with too many options; count is their number
// as Git writes it.
func TooManyOptions(count string) error {
	return &LimitError{fmt.Sprintf("a push has at most %d options, not %s", MaxOptions, count), "leave some out"}
}

func (r Request) checkCounts() error {
	if len(r.Refs) > MaxRefs {
		return TooManyRefs()
	}
	if len(r.Options) > MaxOptions {
		return TooManyOptions(strconv.Itoa(len(r.Options)))
	}
	return nil
}

func (r Request) check() error {
	if err := r.checkCounts(); err != nil {
		return err
	}
	if r.Hook != PreReceive && r.Hook != PostReceive {
		return fmt.Errorf("hook %q is not %s or %s", r.Hook, PreReceive, PostReceive)
	}
	if len(r.Refs) == 0 {
		return errors.New("a push of no refs")
	}
	for _, option := range r.Options {
		if len(option) > MaxOptionBytes {
			return &LimitError{fmt.Sprintf("a push option of %d bytes", len(option)), fmt.Sprintf("%d are the most", MaxOptionBytes)}
		}
	}
	size := 0
	for _, ref := range r.Refs {
		if len(ref) > MaxRefBytes {
			return TooLongRef()
		}
		size += len(ref)
	}
	if size > MaxRefsBytes {
		return &LimitError{fmt.Sprintf("more than %d MiB of refs in one push", MaxRefsBytes>>20), "push them in parts"}
	}
	for _, value := range append([]string{r.Token, r.Hook, r.Quarantine}, append(r.Options, r.Refs...)...) {
		if strings.ContainsRune(value, 0) || len(value) > maxFieldBytes-16 {
			return errors.New("a field of the hook request is malformed")
		}
	}
	return nil
}

// WriteOutput sends a piece of output to the pusher.
func WriteOutput(w io.Writer, p []byte) error {
	for len(p) > 0 {
		n := min(len(p), maxFrameBytes)
		if err := writeFrame(w, 'o', p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// WriteVerdict ends the conversation with the hook's exit status.
func WriteVerdict(w io.Writer, status byte) error {
	return writeFrame(w, 'x', []byte{status})
}

func writeFrame(w io.Writer, kind byte, p []byte) error {
	frame := append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(p))), p...)
	_, err := w.Write(frame)
	return err
}

// ErrVanished is the error for an answer that ended without a verdict.
var ErrVanished = errors.New("the server went away before its verdict")

// CopyAnswer writes the answer's output to out as it comes and returns the verdict. If
// out fails, it keeps reading the answer, because the verdict counts.
func CopyAnswer(out io.Writer, answer io.Reader) (status byte, err error) {
	in := bufio.NewReader(answer)
	for {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return 0, ErrVanished
		}
		size := binary.BigEndian.Uint32(head[1:])
		switch {
		case head[0] == 'o' && size <= maxFrameBytes:
			frame := make([]byte, size)
			if _, err := io.ReadFull(in, frame); err != nil {
				return 0, ErrVanished
			}
			_, _ = out.Write(frame)
		case head[0] == 'x' && size == 1:
			if status, err = in.ReadByte(); err != nil {
				return 0, ErrVanished
			}
			return status, nil
		default:
			return 0, fmt.Errorf("the server's answer is malformed: frame %q of %d bytes", head[0], size)
		}
	}
}
