// Package buckettest has storage of S3 for tests: a server that keeps objects in memory
// and checks every signature, and a way to have things go wrong between it and its client.
package buckettest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

// What a server lets in.
const (
	Bucket = "backups"
	Key    = "AKTESTTESTTESTTEST00"
	Secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYTESTSECRET"
)

// Server is storage with one bucket.
type Server struct {
	URL     string // its endpoint
	storage *s3mem.Backend
	server  *http.Server

	mu       sync.Mutex
	asked    []string
	away     string // the method of requests that get no answer; "*": any
	refusals []refusal
	spoilt   int    // of how many parts a byte is changed on the way
	cut      int    // how many answers end in the middle
	onAsked  func() // is called when a request has come
}

// refusal is an answer that requests get in place of the storage's.
type refusal struct {
	method, query string // that they have
	times, status int    // status 0: the storage does it, and its answer is lost
	body          string
}

// Start starts a server. It has to be closed.
func Start() (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + listener.Addr().String(), storage: s3mem.New()}
	if err := s.storage.CreateBucket(context.Background(), Bucket); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	storage := gofakes3.New(s.storage, gofakes3.WithV4Auth(map[string]string{Key: Secret})).Server()
	s.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(storage, w, r)
	})}
	go func() { _ = s.server.Serve(listener) }() // ends with Close
	return s, nil
}

// Close stops serving.
func (s *Server) Close() { _ = s.server.Close() }

func (s *Server) serve(storage http.Handler, w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI())
	away, told := s.away == "*" || s.away == r.Method, s.onAsked
	refused, refuses := s.refuses(r)
	spoils := s.spoilt > 0 && r.Method == http.MethodPut
	cuts := s.cut > 0 && r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "" && !r.URL.Query().Has("uploads")
	if spoils {
		s.spoilt--
	}
	if cuts {
		s.cut--
	}
	s.mu.Unlock()
	if told != nil {
		told()
	}
	switch {
	case away:
		hangUp(w)
	case refuses && refused.status == 0:
		storage.ServeHTTP(httptest.NewRecorder(), r)
		hangUp(w)
	case refuses:
		w.WriteHeader(refused.status)
		_, _ = io.WriteString(w, refused.body)
	case spoils:
		r.Body = spoil(r.Body)
		storage.ServeHTTP(w, r)
	case cuts:
		storage.ServeHTTP(&half{ResponseWriter: w}, r)
		_ = http.NewResponseController(w).Flush()
		hangUp(w)
	default:
		storage.ServeHTTP(w, r)
	}
}

// refuses returns the refusal of a request, if there is one. s.mu is held.
func (s *Server) refuses(r *http.Request) (refusal, bool) {
	for i, refused := range s.refusals {
		if refused.times > 0 && r.Method == refused.method && strings.Contains(r.URL.RawQuery, refused.query) {
			s.refusals[i].times--
			return refused, true
		}
	}
	return refusal{}, false
}

// hangUp ends a connection without an answer.
func hangUp(w http.ResponseWriter) {
	if hijacker, ok := w.(http.Hijacker); ok {
		if conn, _, err := hijacker.Hijack(); err == nil {
			_ = conn.Close()
		}
	}
}

// spoil changes the first byte of a body.
func spoil(body io.ReadCloser) io.ReadCloser {
	first := make([]byte, 1)
	_, _ = io.ReadFull(body, first)
	first[0] ^= 1
	return io.NopCloser(io.MultiReader(bytes.NewReader(first), body))
}

// half is an answer whose first half arrives.
type half struct {
	http.ResponseWriter
	written bool
}

func (h *half) Write(p []byte) (int, error) {
	if !h.written {
		h.written = true
		_, _ = h.ResponseWriter.Write(p[:len(p)/2])
	}
	return len(p), nil
}

// Away has every request of a method end without an answer; "*" is any, "" none any more.
func (s *Server) Away(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = method
}

// Refuse has the next requests of a method, with a text in their query, answered with a
// status and an S3 error of a code.
func (s *Server) Refuse(method, query string, times, status int, code string) {
	s.Answer(method, query, times, status, "<Error><Code>"+code+"</Code></Error>")
}

// Answer is Refuse with a whole body.
func (s *Server) Answer(method, query string, times, status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals = append(s.refusals, refusal{method, query, times, status, body})
}

// Lose has the next requests be carried out, and their answers get lost.
func (s *Server) Lose(method, query string, times int) { s.Answer(method, query, times, 0, "") }

// Spoil has a byte of the next parts change on the way.
func (s *Server) Spoil(parts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spoilt = parts
}

// Cut has the next answers with an object end in the middle.
func (s *Server) Cut(answers int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = answers
}

// OnAsked has a function called when a request has come.
func (s *Server) OnAsked(call func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onAsked = call
}

// Asked lists the requests so far, as METHOD PATH?QUERY.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Objects lists the keys of all objects, sorted.
func (s *Server) Objects() ([]string, error) {
	list, err := s.storage.ListBucket(context.Background(), Bucket, nil, gofakes3.ListBucketPage{})
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, object := range list.Contents {
		keys = append(keys, object.Key)
	}
	slices.Sort(keys)
	return keys, nil
}

// Put stores an object.
func (s *Server) Put(key string, content []byte) error {
	_, err := s.storage.PutObject(context.Background(), Bucket, key, nil, bytes.NewReader(content), int64(len(content)))
	return err
}
