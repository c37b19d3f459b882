package kube

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/pushboat/pushboat/internal/manifest"
)

const (
	// maxLogBytes is how much of a container's log is read to show its end.
	maxLogBytes = 64 << 10
	// maxLogLine is how much of one line is shown, in bytes.
	maxLogLine = 400
)

// Logs reads the last lines of a container's log, cleaned for terminals.
// container "" is the only one that the pod has.
func (c *Cluster) Logs(ctx context.Context, namespace, pod, container string, lines int) ([]string, error) {
	request := c.kinds.client.RESTClient().Get().
		AbsPath("api", "v1", "namespaces", namespace, "pods", pod, "log").
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
