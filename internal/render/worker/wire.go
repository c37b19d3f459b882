// Package worker runs renderers in child processes of the same program. There, the
// templates and overlays of a repository have no network, no cluster, no key and no
// file but those that the parent hands out, and limits on memory, processor time and
// output.
//
// A child gets one job after the other on its standard input, and asks back for the
// files that it needs, so the parent sees the files of each job. The parent does not
// trust the child; a child that breaks the protocol is ended.
package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// kind is the kind of a frame.
type kind byte

// The kinds of frames. The child answers a job with any number of questions, each
// answered at once, and then with a result.
const (
	job     kind = 'J' // parent: a job to render
	stat    kind = 'S' // child: asks about a path
	list    kind = 'D' // child: asks for the entries of a folder
	read    kind = 'F' // child: asks for the content of a file
	answer  kind = 'A' // parent
	refusal kind = 'E' // parent: an error, see failure
	result  kind = 'R' // child: the output of the job
	last    kind = 'L' // child: the same, and it takes no more jobs
)

const (
	// maxPath bounds the path of a question, in bytes.
	maxPath = 4096
	// maxFrame bounds a frame from the parent, in bytes: a file is at most as large as
	// the revision allows (git.TreeLimits), a job is small.
	maxFrame = 64 << 20
)

// writeFrame writes a frame: its kind, the length of the payload in four bytes,
// and the payload.
func writeFrame(w io.Writer, k kind, payload []byte) error {
	head := make([]byte, 5, 5+min(len(payload), 64<<10))
	head[0] = byte(k)
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload))) //nolint:gosec // bounded by maxFrame and Limits.Output
	if len(payload) <= 64<<10 {
		_, err := w.Write(append(head, payload...))
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

// readFrame reads a frame whose payload has at most limit bytes.
func readFrame(r io.Reader, limit int) (kind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(head[1:])
	if uint64(length) > uint64(limit) { //nolint:gosec // limit is positive
		return 0, nil, fmt.Errorf("%w: %d bytes, at most %d", errTooLong, length, limit)
	}
	payload := make([]byte, length)
	_, err := io.ReadFull(r, payload)
	return kind(head[0]), payload, err
}

var errTooLong = errors.New("the frame is too long")

// failure is the payload of a refusal.
type failure struct {
	NotExist bool   `json:"notExist,omitempty"`
	Message  string `json:"message"`
}

// entry describes a file or folder.
type entry struct {
	Name string      `json:"name"`
	Mode fs.FileMode `json:"mode"`
	Size int64       `json:"size"`
}
