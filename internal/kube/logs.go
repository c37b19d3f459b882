package kube

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

const (
	// maxLogBytes bounds the part of a container's log that is read to show its end.
	maxLogBytes = 64 << 10
	// maxLogLine bounds the shown part of one line, in bytes.
	maxLogLine = 400
)

// Logs reads the last lines of a container's log, cleaned for terminals. container ""
// is the only one in the pod.
func (c *Cluster) Logs(ctx context.Context, namespace, pod, container string, lines int) ([]string, error) {
	at, err := objectPath(podKind.Resource, namespace, pod)
	if err != nil {
		return nil, err
	}
	request := c.requests.plain.Get().AbsPath(at, "log").
		Param("tailLines", strconv.Itoa(lines)).Param("limitBytes", strconv.Itoa(maxLogBytes))
	if container != "" {
		request.Param("container", container)
	}
	stream, err := request.Stream(ctx)
	if err != nil {
		return nil, c.wrap(fmt.Sprintf("read the log of pod %s/%s", namespace, pod), err)
	}
	defer func() { _ = stream.Close() }()
	data, err := io.ReadAll(io.LimitReader(stream, maxLogBytes))
	return tail(data, lines), err
}

// LogRequest selects part of a container's log.
type LogRequest struct {
	Namespace, Pod, Container string
	Lines                     int           // the number of last lines
	Since                     time.Duration // no older than that; 0: of any age
	Previous                  bool          // of the container's previous run
	Follow                    bool          // continue with new lines
}

const (
	// maxReadBytes bounds the part of a log that is read without following it.
	maxReadBytes = 8 << 20
	// maxReadLine bounds the shown part of one of its lines, in bytes.
	maxReadLine = 8 << 10
)

// FollowLog calls tell with each line of a container's log, cleaned for terminals,
// until the log or ctx ends. The end of ctx is no error. It cuts a line that is too
// long.
func (c *Cluster) FollowLog(ctx context.Context, r LogRequest, tell func(line string)) error {
	at, err := objectPath(podKind.Resource, r.Namespace, r.Pod)
	if err != nil {
		return err
	}
	request := c.requests.plain.Get().AbsPath(at, "log").
		Param("container", r.Container).Param("tailLines", strconv.Itoa(r.Lines))
	if r.Since > 0 {
		request.Param("sinceSeconds", strconv.FormatInt(int64(math.Ceil(r.Since.Seconds())), 10))
	}
	if r.Previous {
		request.Param("previous", "true")
	}
	if r.Follow {
		request.Param("follow", "true").Timeout(0)
	} else {
		request.Param("limitBytes", strconv.Itoa(maxReadBytes))
	}
	stream, err := request.Stream(ctx)
	if err != nil {
		return c.wrap(fmt.Sprintf("read the log of pod %s/%s", r.Namespace, r.Pod), err)
	}
	defer func() { _ = stream.Close() }()
	err = eachLine(stream, tell)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// eachLine calls tell with each line, cleaned, and cut if it is too long.
func eachLine(in io.Reader, tell func(line string)) error {
	reader := bufio.NewReaderSize(in, maxReadLine)
	for {
		line, err := reader.ReadSlice('\n')
		text := string(bytes.ToValidUTF8(bytes.TrimRight(line, "\r\n"), []byte("?")))
		cut := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = reader.ReadSlice('\n')
		}
		if cut {
			text += "..."
		}
		if len(line) > 0 {
			tell(strings.ReplaceAll(manifest.CleanLines(text), "\n", " "))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tail returns the last lines of a text, each cut to maxLogLine and cleaned.
func tail(data []byte, lines int) []string {
	var last []string
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) > maxLogLine {
			line = append(bytes.Clone(line[:maxLogLine]), "..."...)
		}
		last = append(last, manifest.Clean(string(bytes.ToValidUTF8(line, []byte("?")))))
		if len(last) > lines {
			last = last[1:]
		}
	}
	return last
}
