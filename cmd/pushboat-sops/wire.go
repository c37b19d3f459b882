package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// Between the server and pushboat-sops there are frames: the length of a JSON
// document in four bytes, and the document. Each request has one reply.
//
// The two programs are of different modules, so that the server is not made of
// the clients of every cloud. Each has this file; test/project holds the copies
// together.

// maxFrame bounds a frame, in bytes: a file of maxFile in base64, and room for
// the values of it beside.
const maxFrame = 64 << 20

// request asks for one file in the clear.
type request struct {
	Format string `json:"format"` // yaml, json, dotenv, ini or binary
	Data   []byte `json:"data"`
}

// reply is the file, or why it cannot be had. It never has a value and a failure.
type reply struct {
	Plain   []byte   `json:"plain,omitempty"`
	Values  []string `json:"values,omitempty"`  // that were encrypted
	Failure failure  `json:"failure,omitempty"` // "": none
	Detail  string   `json:"detail,omitempty"`  // says more of a failure; has no value in it
	Readers []string `json:"readers,omitempty"` // with a failure: the keys that the file is encrypted for
}

// failure is why a file cannot be read.
type failure string

// The failures.
const (
	noKey     failure = "no key"    // none of the file's keys is at hand
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
