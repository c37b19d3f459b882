package server

import (
	"errors"
	"io"
	"net"
	"slices"
	"sync"
)

// Service stands for a Service of Kubernetes. It accepts connections at one address, and
// passes each to one of its present servers, in turn. While it has no server, it refuses
// connections. As with kube-proxy, connections stay when their server is removed.
type Service struct {
	listener net.Listener

	mu       sync.Mutex
	backends []string
	turn     int
}

// OpenService opens a service without servers.
func OpenService() (*Service, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Service{listener: listener}
	go s.serve()
	return s, nil
}

// Address is the address at which the service accepts connections, HOST:PORT.
func (s *Service) Address() string { return s.listener.Addr().String() }

// Close ends the acceptance of connections.
func (s *Service) Close() { s.listener.Close() }

// Add adds a server, HOST:PORT.
func (s *Service) Add(backend string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backends = append(s.backends, backend)
}

// Remove removes a server, which gets no new connections.
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
		return // the client sees the end of the connection
	}
	defer far.Close()
	var both sync.WaitGroup
	pass := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // a broken connection ends, as without a service
		_ = to.Close()
		_ = from.Close()
	}
	both.Go(func() { pass(far, near) })
	both.Go(func() { pass(near, far) })
	both.Wait()
}
