package git

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
)

// Talk is the client's part of a push before its objects: lines that name the gaps in
// its history, and the refs to move (gitprotocol-pack, "Reference Update Request and
// Packfile Transfer"). Serve fills it in while it runs.
//
// Talk hides the gaps in a clone's history ("shallow", as after git clone --depth) from
// git. Otherwise git would refuse every push from such a clone, even when the
// repository has the missing history, as it mostly does. Unaware of the gaps, git
// checks the push like any other: every object that it leads to must exist, or git
// refuses the push before any hook runs.
type Talk struct {
	// Nonce is offered to the client, so that it can sign the push; "" offers nothing. It
	// has to be of this push alone.
	Nonce string

	began, shallow, commands, atomic atomic.Bool

	certificate atomic.Pointer[Certificate]
	trouble     atomic.Pointer[error]
}

// Certificate returns what the client has signed; nil if it has signed nothing. Every byte
// of it is the client's.
func (t *Talk) Certificate() *Certificate { return t.certificate.Load() }

// Note takes up what a client has signed.
func (t *Talk) Note(c *Certificate) { t.certificate.Store(c) }

// Trouble is why the client was not heard to its end; nil if it was. Git then ends without a
// push.
func (t *Talk) Trouble() error {
	if err := t.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// Began reports whether the client said anything. A client that does not understand
// this server disconnects silently.
func (t *Talk) Began() bool { return t.began.Load() }

// Shallow reports whether the pushing clone lacks part of its history.
func (t *Talk) Shallow() bool { return t.shallow.Load() }

// Asks reports whether the client asks for any ref to be moved. It does not when the
// repository already has everything.
func (t *Talk) Asks() bool { return t.commands.Load() }

// Atomic reports whether all refs have to move, or none.
func (t *Talk) Atomic() bool { return t.atomic.Load() }

// maxLine is the length of the longest possible line, with its four digits of length
// (gitprotocol-common).
const maxLine = 65520

// listen returns the input for git in place of the client's own. heard is called with
// the number of bytes of the pack, each time that some arrive.
func (t *Talk) listen(from io.Reader, heard func(n int)) io.Reader {
	if t == nil {
		t = &Talk{}
	}
	return &listener{talk: t, from: bufio.NewReaderSize(from, maxLine), heard: heard}
}

// offer returns the output for the client in place of Git's own.
func (t *Talk) offer(to io.Writer) io.Writer {
	if t == nil || t.Nonce == "" {
		return to
	}
	return &offering{to: to, nonce: t.Nonce}
}

// listener passes a client's lines on: first those that name refs, then those of push
// options, each list ended by a flush ("0000"). The pack follows, and is passed on as
// it comes.
type listener struct {
	talk    *Talk
	from    *bufio.Reader
	heard   func(n int)
	ready   []byte // to be read, of a line that was passed
	flushed bool   // the lines that name refs have ended
	over    bool   // all lines have ended
	ended   bool   // the client is not heard any more

	signing      bool   // the lines are those of a certificate
	signed       []byte // of the certificate, so far
	capabilities string // of the client that signs
}

// Read reads from the current line.
func (l *listener) Read(p []byte) (int, error) {
	for len(l.ready) == 0 && !l.over {
		if err := l.next(); err != nil {
			return 0, err
		}
	}
	if l.ended {
		return 0, io.EOF
	}
	if len(l.ready) == 0 {
		n, err := l.from.Read(p)
		l.heard(n)
		return n, err
	}
	n := copy(p, l.ready)
	l.ready = l.ready[n:]
	return n, nil
}

// next takes one line, and leaves it in ready for git to read. Anything that is not a
// line ends the listening, and git complains about it.
func (l *listener) next() error {
	digits, err := l.from.Peek(4)
	if len(digits) > 0 {
		l.talk.began.Store(true)
	}
	if err != nil {
		l.over = true
		return nil //nolint:nilerr // git reads the rest
	}
	var length [2]byte
	_, err = hex.Decode(length[:], digits)
	size := int(length[0])<<8 | int(length[1])
	if err == nil && size == 0 && !l.signing {
		l.flush()
		return nil
	}
	if l.signing && (err != nil || size < 4) {
		l.end(errCertificate)
		return nil //nolint:nilerr // git reads the end of its input
	}
	if err != nil || size < 4 || size > maxLine { // "PACK" is no length
		l.over = true
		return nil //nolint:nilerr // git complains of it
	}
	line := make([]byte, size)
	n, err := io.ReadFull(l.from, line)
	if err != nil {
		l.ready, l.over = line[:n], true
		return nil //nolint:nilerr // git complains of it
	}
	l.take(line)
	return nil
}

// take hears a line, and leaves in ready what of it is for git.
func (l *listener) take(line []byte) {
	text := string(line[4:])
	word, capabilities, _ := strings.Cut(strings.TrimSuffix(text, "\n"), "\x00")
	switch {
	case l.flushed:
		l.ready = line
	case l.signing && word != certificateEnd:
		if l.signed = append(l.signed, text...); len(l.signed) > maxCertificate {
			l.end(fmt.Errorf("the push certificate has more than %d MiB", maxCertificate>>20))
		}
	case l.signing:
		l.endCertificate()
	case word == certificateBegin:
		l.signing, l.capabilities = true, capabilities
		if l.talk.Nonce == "" || l.talk.Asks() || len(capabilities) > maxLine/2 {
			l.end(errCertificate)
		}
		l.talk.hear(text)
	case strings.HasPrefix(text, "shallow "):
		l.talk.shallow.Store(true)
	default:
		l.talk.hear(text)
		l.ready = line
	}
}

// endCertificate has git read the commands of the certificate.
func (l *listener) endCertificate() {
	certificate, err := parseCertificate(l.signed)
	if err != nil {
		l.end(err)
		return
	}
	l.signing, l.signed = false, nil
	l.talk.Note(certificate)
	l.ready = certificate.plain(l.capabilities)
}

// end hears nothing more: git reads the end of its input.
func (l *listener) end(trouble error) {
	l.talk.trouble.Store(&trouble)
	l.over, l.ended = true, true
}

// flush passes on the end of a list of lines.
func (l *listener) flush() {
	l.ready = make([]byte, 4)
	_, _ = io.ReadFull(l.from, l.ready) // it was peeked at
	l.over = l.flushed
	l.flushed = true
}

// hear takes a line that asks for a ref to be moved. The first such line ends in the
// client's capabilities, behind a NUL.
func (t *Talk) hear(line string) {
	if t.commands.Swap(true) {
		return
	}
	_, capabilities, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\x00")
	for capability := range strings.FieldsSeq(capabilities) {
		if capability == "atomic" {
			t.atomic.Store(true)
		}
	}
}
