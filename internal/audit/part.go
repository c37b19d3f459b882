package audit

import (
	"bytes"
	"errors"
	"io"
)

// stored is a line as it is in a file, and what it says. One that is damaged says nothing.
type stored struct {
	event Event
	text  []byte
}

// part is some lines of a file.
type part struct {
	lines []stored
	size  int64 // in bytes, with line breaks
	err   error
}

// partSize is about how much of a file is read at a time, in bytes.
const partSize = 256 << 10

// partOf reads whole lines from an offset on, up to a size of the file.
func partOf(file io.ReaderAt, offset, size int64) part {
	text := make([]byte, min(size-offset, partSize+maxLine))
	n, err := file.ReadAt(text, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return part{err: err}
	}
	text = text[:n]
	whole := int64(bytes.LastIndexByte(text, '\n') + 1)
	if whole == 0 { // a line without an end, which nobody has written
		return part{size: size - offset}
	}
	p := part{size: whole}
	for line := range bytes.Lines(text[:whole]) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if e, err := decode(line); err == nil {
			p.lines = append(p.lines, stored{e, line})
		}
	}
	return p
}
