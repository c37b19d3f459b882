package worker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Command is the word with which the program is started as a worker.
const Command = "render-worker"

// Serve is the main loop of a child process: it does jobs until there are no more, or
// until half of the processor time is used up. A job that panics ends the child, as it
// would have ended the server; the parent reports that.
func Serve(in io.Reader, out io.Writer, limits Limits, do func(job []byte, fsys fs.FS) []byte) error {
	if err := limits.impose(); err != nil {
		return err
	}
	reader := bufio.NewReaderSize(in, 64<<10)
	for jobs := 1; ; jobs++ {
		k, payload, err := readFrame(reader, maxFrame)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read a job: %w", err)
		case k != job:
			return fmt.Errorf("read a job: got a frame %q", k)
		}
		end := result
		payload = orEnd(do, payload, &remote{in: reader, out: out, answers: map[question]reply{}})
		if jobs >= limits.Jobs || limits.used() {
			end = last
		}
		if err := writeFrame(out, end, payload); err != nil || end == last {
			return err
		}
	}
}

// orEnd does a job; a panic ends the process with its own status. That distinguishes it
// from a lack of memory or stack, which a program cannot catch.
func orEnd(do func([]byte, fs.FS) []byte, job []byte, fsys fs.FS) []byte {
	defer func() {
		if recover() != nil {
			os.Exit(statusPanic)
		}
	}()
	return do(job, fsys)
}
