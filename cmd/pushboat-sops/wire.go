package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// The server and pushboat-sops exchange frames: the length of a JSON document in four
// bytes, and the document. Each request has one reply.
//
// The two programs are in different modules, so that the server does not link the
// clients of every cloud. Each has this file; test/project keeps the copies equal.

// maxFrame bounds a frame, in bytes: a file of maxFile in base64, and room for its
// values.
const maxFrame = 64 << 20

// request asks for the decryption of one file.
type request struct {
	Format string `json:"format"` // yaml, json, dotenv, ini or binary
	Data   []byte `json:"data"`
	// Limited says that only some keys may be used: those of the files in Files, and of
	// those of clouds and Vault the ones that Only names, or if that is null, that Except
	// does not name. A * at the end of a name is any letters.
	Limited bool     `json:"limited,omitempty"`
	Files   []string `json:"files,omitempty"`
	Only    []string `json:"only"`
	Except  []string `json:"except,omitempty"`
}

// reply is the file, or the reason why it cannot be decrypted. It never has both a
// value and a failure.
type reply struct {
	Plain  []byte   `json:"plain,omitempty"`
	Values []string `json:"values,omitempty"` // that were encrypted
	// Openers are the keys that open the file, for each of its groups of keys, of which
	// Needs are necessary: the files that have them, and those of clouds and Vault that
	// could be asked, whether the request may use them or not.
	Openers [][]string `json:"openers,omitempty"`
	Needs   int        `json:"needs,omitempty"`
	Failure failure    `json:"failure,omitempty"` // "": none
	Detail  string     `json:"detail,omitempty"`  // details of a failure; contains no value
	Readers []string   `json:"readers,omitempty"` // with a failure: the keys that the file is encrypted for
}

// failure is the reason why a file cannot be read.
type failure string

// The failures.
const (
	noKey     failure = "no key"    // none of the file's keys is available
	changed   failure = "changed"   // the MAC does not match
	malformed failure = "malformed" // the file is not as SOPS writes it
)

// writeFrame writes a value as a frame.
func writeFrame(w io.Writer, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if len(text) > maxFrame {
		return fmt.Errorf("a frame of %d bytes; at most %d are read", len(text), maxFrame)
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(text)), uint32(len(text))) //nolint:gosec // bounded by maxFrame
	_, err = w.Write(append(frame, text...))
	return err
}

// readFrame reads a frame into a value; io.EOF if there is none.
func readFrame(r io.Reader, into any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(head[:])
	if length > maxFrame {
		return fmt.Errorf("a frame of %d bytes; at most %d are read", length, maxFrame)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
