package git

import (
	"io"
	"maps"
	"slices"
	"sync/atomic"
)

// ownService stands for the short commands that the server runs for itself.
const ownService Service = "own"

// Counts are what the store's Git programs do, and have done since the store was opened.
type Counts struct {
	Running  map[Service]int64 // programs at the moment; "own" are the server's own short commands
	Ended    map[Service]int64 // programs that have come to their end
	Received int64             // bytes from clients to Git
	Sent     int64             // bytes from Git to clients
}

// counts is what Counts is read from.
type counts struct {
	services       map[Service]*serviceCounts // never changed
	received, sent atomic.Int64
}

type serviceCounts struct{ running, ended atomic.Int64 }

func newCounts() *counts {
	c := &counts{services: map[Service]*serviceCounts{}}
	for _, service := range []Service{ReceivePack, UploadPack, UploadArchive, ownService} {
		c.services[service] = &serviceCounts{}
	}
	return c
}

// begin counts a program. Call end when it has ended.
func (c *counts) begin(service Service) (end func()) {
	if c == nil {
		return func() {}
	}
	of := c.services[service]
	of.running.Add(1)
	return func() {
		of.running.Add(-1)
		of.ended.Add(1)
	}
}

// Counts returns what Git's programs do, and have done.
func (s *Store) Counts() Counts {
	c := s.opts.counts
	read := Counts{Running: map[Service]int64{}, Ended: map[Service]int64{}, Received: c.received.Load(), Sent: c.sent.Load()}
	for _, service := range slices.Sorted(maps.Keys(c.services)) {
		read.Running[service], read.Ended[service] = c.services[service].running.Load(), c.services[service].ended.Load()
	}
	return read
}

// countedReader counts the bytes that a client sends.
type countedReader struct {
	io.Reader
	bytes *atomic.Int64
}

func (r countedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.bytes.Add(int64(n))
	return n, err
}

// countedWriter counts the bytes that a client is sent.
type countedWriter struct {
	io.Writer
	bytes *atomic.Int64
}

func (w countedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.bytes.Add(int64(n))
	return n, err
}

// counted counts the bytes of a request.
func (c *counts) counted(req ServeRequest) ServeRequest {
	if c == nil {
		return req
	}
	if req.Stdin != nil {
		req.Stdin = countedReader{req.Stdin, &c.received}
	}
	if req.Stdout != nil {
		req.Stdout = countedWriter{req.Stdout, &c.sent}
	}
	return req
}
