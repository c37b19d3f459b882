package top

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// Limits of what is read at once.
const (
	maxSequence = 32  // bytes of an escape sequence; more is none
	maxPaste    = 200 // bytes that are kept of pasted text
)

// The marks around pasted text (xterm's bracketed paste).
var (
	pasteBegins = []byte("\x1b[200~")
	pasteEnds   = []byte("\x1b[201~")
)

// decoder makes keys of a terminal's bytes. It keeps at most a beginning of a key, and
// maxPaste bytes.
type decoder struct {
	left    []byte // the beginning of a key
	pasting bool
	pasted  []byte
}

// feed returns the keys and pastes in further bytes. last says that nothing follows for now,
// so that an escape alone is the key of that name.
func (d *decoder) feed(more []byte, last bool) (messages []any) {
	d.left = append(d.left, more...)
	for len(d.left) > 0 {
		if d.pasting {
			message, ended := d.paste()
			if !ended {
				return messages
			}
			messages = append(messages, message)
			continue
		}
		if bytes.HasPrefix(d.left, pasteBegins) {
			d.left, d.pasting = d.left[len(pasteBegins):], true
			continue
		}
		key, n := keyOf(d.left, last)
		if n == 0 {
			return messages
		}
		d.left = d.left[n:]
		if key != "" {
			messages = append(messages, Key(key))
		}
	}
	return messages
}

// paste takes pasted text up to its end.
func (d *decoder) paste() (text Paste, ended bool) {
	end := bytes.Index(d.left, pasteEnds)
	n := end
	if end < 0 { // its end may have begun
		n = max(len(d.left)-len(pasteEnds)+1, 0)
	}
	d.pasted = append(d.pasted, d.left[:min(n, max(maxPaste-len(d.pasted), 0))]...)
	d.left = d.left[n:]
	if end < 0 {
		return "", false
	}
	text = Paste(bytes.ToValidUTF8(d.pasted, nil))
	d.left, d.pasted, d.pasting = d.left[len(pasteEnds):], nil, false
	return text, true
}

// waiting reports whether the beginning of a key waits for its end.
func (d *decoder) waiting() bool { return len(d.left) > 0 && !d.pasting }

// keyOf returns the first key and its bytes: "" for one that means nothing here, 0 bytes if
// its end has not come yet.
func keyOf(from []byte, last bool) (key string, n int) {
	switch b := from[0]; {
	case b == 0x1b:
		return escaped(from, last)
	case b == '\r' || b == '\n':
		return "enter", 1
	case b == '\t':
		return "tab", 1
	case b == 0x7f || b == 0x08:
		return "backspace", 1
	case b == ' ':
		return "space", 1
	case b < 0x20:
		return "ctrl+" + string(rune(b|0x60)), 1
	}
	if !utf8.FullRune(from) && !last {
		return "", 0
	}
	r, n := utf8.DecodeRune(from)
	if r == utf8.RuneError || !unicode.IsGraphic(r) {
		return "", n
	}
	return string(r), n
}

// escaped is keyOf for what begins with an escape (ECMA-48, and the keys of xterm).
func escaped(from []byte, last bool) (key string, n int) {
	if len(from) == 1 {
		if last {
			return "esc", 1
		}
		return "", 0
	}
	if from[1] != '[' && from[1] != 'O' {
		return "esc", 1 // typed quickly, or with Alt
	}
	for i := 2; i < min(len(from), maxSequence); i++ {
		if from[i] >= 0x40 && from[i] <= 0x7e {
			return named(from[2:i], from[i]), i + 1
		}
		if from[i] < 0x20 || from[i] > 0x7e { // that is no sequence
			return "", i
		}
	}
	if !last && len(from) < maxSequence {
		return "", 0
	}
	return "", min(len(from), maxSequence)
}

// named is the key of a control sequence, by its parameters and its last byte.
func named(parameters []byte, last byte) string {
	if last != '~' {
		return map[byte]string{'A': "up", 'B': "down", 'C': "right", 'D': "left", 'H': "home", 'F': "end", 'Z': "shift+tab"}[last]
	}
	number, _, _ := bytes.Cut(parameters, []byte(";"))
	return map[string]string{"1": "home", "7": "home", "4": "end", "8": "end", "5": "pgup", "6": "pgdown"}[string(number)]
}
