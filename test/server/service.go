package server

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
)

// Service stands for a Service of Kubernetes: it takes connections at one address, and
// brings each to one of the servers that it has at that moment, in turn. Who connects
// while it has none is refused. Connections stay when their server is taken away, as they
// do with kube-proxy.
type Service struct {
	listener net.Listener

	mu       sync.Mutex
	backends []string
	turn     int
}

// OpenService opens a service that has no server yet.
func OpenService() (*Service, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Service{listener: listener}
	go s.serve()
	return s, nil
}

// Address is where the service takes connections, HOST:PORT.
func (s *Service) Address() string { return s.listener.Addr().String() }

// Close takes no more connections.
func (s *Service) Close() { s.listener.Close() }

// Add has the service bring connections to a server, HOST:PORT.
func (s *Service) Add(backend string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backends = append(s.backends, backend)
}

// Remove has it bring none there any more.
func (s *Service) Remove(backend string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backends = slices.DeleteFunc(s.backends, func(b string) bool { return b == backend })
}

func (s *Service) next() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.backends) == 0 {
		return ""
	}
	s.turn++
	return s.backends[s.turn%len(s.backends)]
}

func (s *Service) serve() {
	for {
		near, err := s.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err == nil:
			go s.carry(near)
		}
	}
}

func (s *Service) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", s.next())
	if err != nil {
		return // who has connected sees the end
	}
	defer far.Close()
	var both sync.WaitGroup
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // one that breaks ends, as without a service
		_ = to.Close()
		_ = from.Close()
	}
	both.Go(func() { pass(far, near) })
	both.Go(func() { pass(near, far) })
	both.Wait()
}
