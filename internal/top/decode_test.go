package top

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// heard feeds chunks to a decoder; nothing follows the last.
func heard(chunks ...string) string {
	var d decoder
	var words []string
	for i, chunk := range chunks {
		messages := d.feed([]byte(chunk), false)
		if i == len(chunks)-1 {
			messages = append(messages, d.feed(nil, true)...)
		}
		for _, message := range messages {
			switch m := message.(type) {
			case Key:
				words = append(words, string(m))
			case Paste:
				words = append(words, fmt.Sprintf("paste %q", string(m)))
			}
		}
	}
	return strings.Join(words, "|")
}

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		chunks []string
		want   string
	}{
		{[]string{"aB? é€"}, "a|B|?|space|é|€"},
		{[]string{"\xc3", "\xa9x"}, "é|x"},
		{[]string{"\xc3"}, ""},
		{[]string{"\xff\x80a"}, "a"},
		{[]string{"\r\n\t\x7f\x08\x03\x15\x00"}, "enter|enter|tab|backspace|backspace|ctrl+c|ctrl+u|ctrl+`"},
		{[]string{"\x1b"}, "esc"},
		{[]string{"\x1b\x1b"}, "esc|esc"},
		{[]string{"\x1bq"}, "esc|q"},
		{[]string{"\x1b[A\x1b[B\x1b[C\x1b[D\x1bOA\x1bOF"}, "up|down|right|left|up|end"},
		{[]string{"\x1b", "[", "A"}, "up"},
		{[]string{"\x1b[5~\x1b[6~\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b[H\x1b[F\x1b[Z"}, "pgup|pgdown|home|end|home|end|home|end|shift+tab"},
		{[]string{"\x1b[1;5A\x1b[5;2~"}, "up|pgup"},
		{[]string{"\x1b[3~\x1b[15~\x1b[?62;c\x1b[200a"}, ""},
		{[]string{"\x1b[12", "x"}, ""},
		{[]string{"\x1b[12"}, ""},
		{[]string{"\x1b[\x03"}, "ctrl+c"},
		{[]string{"\x1b[" + strings.Repeat("1", 100) + "Aq"}, strings.Repeat("1|", 70) + "A|q"},
		{[]string{"\x1b[200~y\x1b[31ms\r\x1b[201~q"}, `paste "y\x1b[31ms\r"|q`},
		{[]string{"\x1b[200~y", "es\x1b[20", "1~q"}, `paste "yes"|q`},
		{[]string{"\x1b[200~y", "q"}, ""},
		{[]string{"\x1b[200~" + strings.Repeat("x", 10_000) + "\x1b[201~q"}, `paste "` + strings.Repeat("x", maxPaste) + `"|q`},
		{[]string{"\u202e\u200b\u0085a"}, "a"},
	} {
		if got := heard(test.chunks...); got != test.want {
			t.Errorf("%q: got %s, want %s", test.chunks, got, test.want)
		}
	}
}

// FuzzDecode: however bytes come, they are taken, little is kept of them, and the keys are
// the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x1b[200~x\x1b[201~\x1b[A\xc3\xa9"), 3)
	f.Add([]byte("\x1b[\x1b[1;2\x1bO"), 1)
	f.Fuzz(func(t *testing.T, input []byte, at int) {
		var d decoder
		for chunk := range bytes.SplitSeq(input, []byte("|")) {
			for _, message := range d.feed(chunk, false) {
				if key, ok := message.(Key); ok && (key == "" || strings.ContainsAny(string(key), "\x1b\x07\u009b")) {
					t.Errorf("%q gives the key %q", input, key)
				}
			}
			if len(d.left) > maxSequence || len(d.pasted) > maxPaste {
				t.Errorf("%d and %d bytes are kept", len(d.left), len(d.pasted))
			}
		}
		d.feed(nil, true)
		if d.waiting() {
			t.Errorf("%q stays", d.left)
		}
		if at = max(min(at, len(input)), 0); heard(string(input)) != heard(string(input[:at]), string(input[at:])) {
			t.Errorf("%q: %s at once, %s in two parts", input, heard(string(input)), heard(string(input[:at]), string(input[at:])))
		}
	})
}
