package git

import (
	"bufio"
	"encoding/hex"
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
	began, shallow, commands, atomic atomic.Bool
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
}

// Read reads from the current line.
func (l *listener) Read(p []byte) (int, error) {
	for len(l.ready) == 0 && !l.over {
		if err := l.next(); err != nil {
			return 0, err
		}
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
	if err == nil && size == 0 {
		l.flush()
		return nil
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
	if l.flushed {
		l.ready = line
	} else if text := string(line[4:]); strings.HasPrefix(text, "shallow ") {
		l.talk.shallow.Store(true)
	} else {
		l.talk.hear(text)
		l.ready = line
	}
	return nil
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
