package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// genesis is the hash before the first line.
var genesis = strings.Repeat("0", 2*sha256.Size)

// hashField is the end of a line: its last field.
var hashField = regexp.MustCompile(`,"hash":"([0-9a-f]{64})"\}$`)

// encode writes an event as the line after the one with the hash prev, and returns the
// line's hash: the SHA-256 of the line as it would be without the field hash, in hex.
func encode(e Event, seq uint64, prev string) (line []byte, hash string, err error) {
	e = e.bounded()
	e.Time, e.Seq, e.Prev = e.Time.UTC(), seq, prev
	text, err := json.Marshal(e)
	if err != nil {
		return nil, "", err // never: an event has nothing but texts, numbers and a time
	}
	body := bytes.TrimSuffix(text, []byte(`,"hash":""}`))
	hash = sum(body)
	return fmt.Appendf(body, `,"hash":"%s"}`+"\n", hash), hash, nil
}

// sum is the hash of a line that has everything but its hash and its last brace.
func sum(body []byte) string {
	hash := sha256.New()
	hash.Write(body)
	hash.Write([]byte("}"))
	return hex.EncodeToString(hash.Sum(nil))
}

// Errors about a line by itself.
var (
	errNoLine  = errors.New("this is no line of a trail")
	errChanged = errors.New("this line was changed: its hash is that of another text")
)

// decode reads a line, without its line break, and compares it with its own hash.
func decode(line []byte) (Event, error) {
	at := hashField.FindSubmatchIndex(line)
	if len(line) > maxLine || at == nil {
		return Event{}, errNoLine
	}
	var e Event
	if err := json.Unmarshal(line, &e); err != nil || e.Seq == 0 || e.Kind == "" {
		return Event{}, errNoLine
	}
	if sum(line[:at[0]]) != string(line[at[2]:at[3]]) {
		return e, errChanged
	}
	e.Hash = string(line[at[2]:at[3]]) // a line with the field twice has the last one
	return e.bounded(), nil
}

// maxLine bounds a line that is read, in bytes; see maxText.
const maxLine = 32 << 10

// mark is a place in the chain: a line's number and hash.
type mark struct {
	Seq  uint64
	Hash string
}

// chain checks lines one after the other.
type chain struct {
	begun bool
	first uint64 // of the lines
	last  mark   // the newest line; after a fault, the one to go on from
	lines int
}

// take checks the next line, and returns the event and what is wrong with its place in
// the chain. Of a line that cannot be read there is no event.
func (c *chain) take(line []byte) (Event, error) {
	e, err := decode(line)
	if errors.Is(err, errNoLine) {
		return Event{}, err
	}
	c.lines++
	before := *c
	if err != nil && c.begun {
		e.Seq = c.last.Seq + 1 // nothing in it can be believed
	}
	if !c.begun {
		c.begun, c.first = true, e.Seq
	}
	if e.Seq > before.last.Seq { // one out of its order is left out
		c.last = mark{e.Seq, string(hashField.FindSubmatch(line)[1])}
	}
	if err != nil {
		return e, err
	}
	return e, before.follow(e)
}

// follow says why a line cannot come after those before it.
func (c *chain) follow(e Event) error {
	switch want := c.last.Seq + 1; {
	case !c.begun:
		return nil
	case e.Seq > want+1:
		return fmt.Errorf("the lines %d to %d before this one are missing", want, e.Seq-1)
	case e.Seq == want+1:
		return fmt.Errorf("the line %d before this one is missing", want)
	case e.Seq < want:
		return fmt.Errorf("this line, %d, stands after line %d: it was moved or repeated", e.Seq, c.last.Seq)
	case e.Prev != c.last.Hash:
		return fmt.Errorf("this line does not follow the line before it, %d: that one is another than was written", c.last.Seq)
	}
	return nil
}
