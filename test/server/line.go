package server

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Line stands between a server and the API server, or between clients and a server, so that
// a test can cut the connection or hold its bytes. It passes bytes on, and cannot read
// encrypted ones.
type Line struct {
	address string // the address at which the line listens

	mu       sync.Mutex
	target   string
	listener net.Listener // nil while the line is off
	conns    map[net.Conn]bool
	held     chan struct{} // closed when bytes pass again; nil while they pass
}

// OpenLine opens a line to the current cluster of a kubeconfig, and changes the kubeconfig
// so that it uses the line.
func OpenLine(config *api.Config) (*Line, error) {
	entry := config.Clusters[config.Contexts[config.CurrentContext].Cluster]
	address, err := url.Parse(entry.Server)
	if err != nil {
		return nil, err
	}
	line, err := NewLine(hostPort(address))
	if err != nil {
		return nil, fmt.Errorf("open the line to the cluster: %w", err)
	}
	if entry.TLSServerName == "" {
		entry.TLSServerName = address.Hostname()
	}
	entry.Server = address.Scheme + "://" + line.address + address.Path
	return line, nil
}

// Address is the host and port at which the line listens.
func (p *Line) Address() string { return p.address }

// Lead makes new connections go to another server, given by its URL, such as the same
// server at another port.
func (p *Line) Lead(server string) error {
	address, err := url.Parse(server)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = hostPort(address)
	return nil
}

func hostPort(address *url.URL) string {
	if address.Port() == "" {
		return net.JoinHostPort(address.Hostname(), "443")
	}
	return address.Host
}

// ReadKubeconfig reads a kubeconfig, and puts the content of the files that it names into
// it.
func ReadKubeconfig(path string) (*api.Config, error) {
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return nil, err
	}
	if err := api.FlattenConfig(config); err != nil {
		return nil, err
	}
	context := config.Contexts[config.CurrentContext]
	if context == nil || config.Clusters[context.Cluster] == nil {
		return nil, errors.New("it has no current context with a cluster")
	}
	return config, nil
}

// The lines' ports are below those that the kernel chooses for port 0 (from 32768 on Linux,
// from 49152 elsewhere): no other process takes a port while its line is off.
const (
	firstPort = 20000
	ports     = 10000
)

var nextPort atomic.Uint32

func init() { nextPort.Store(uint32(os.Getpid()) * 64) }

// NewLine makes a line to a host and port, and turns it on.
func NewLine(target string) (*Line, error) {
	var err error
	for range 100 {
		p := &Line{
			address: fmt.Sprintf("127.0.0.1:%d", firstPort+nextPort.Add(1)%ports),
			target:  target, conns: map[net.Conn]bool{},
		}
		if err = p.listen(); err == nil {
			return p, nil
		}
	}
	return nil, err
}

// A child process that was just forked has the line's port open until it runs its program.
// So On tries this often, with a pause.
const (
	onTries = 200
	onPause = 25 * time.Millisecond
)

// On listens again, and passes the held bytes on.
func (p *Line) On() (err error) {
	for range onTries {
		if err = p.listen(); !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
		<-time.After(onPause)
	}
	return err
}

func (p *Line) listen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.letGo()
	if p.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		return err
	}
	p.listener = listener
	go p.serve(listener)
	return nil
}

// Off refuses new connections, and cuts the present ones.
func (p *Line) Off() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.letGo()
	if p.listener == nil {
		return
	}
	_ = p.listener.Close()
	p.listener = nil
	for conn := range p.conns {
		_ = conn.Close()
	}
	clear(p.conns)
}

// Cut cuts the present connections, and accepts new ones.
func (p *Line) Cut() error {
	p.Off()
	return p.On()
}

// Hold holds all bytes back while connections stay open: clients wait.
func (p *Line) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = make(chan struct{})
	}
}

// letGo ends Hold. p.mu is held.
func (p *Line) letGo() {
	if p.held != nil {
		close(p.held)
		p.held = nil
	}
}

// wait returns when bytes may pass.
func (p *Line) wait() {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if held != nil {
		<-held
	}
}

// gate is a connection whose writes wait until bytes may pass.
type gate struct {
	*Line
	to net.Conn
}

func (g gate) Write(data []byte) (int, error) {
	g.wait()
	return g.to.Write(data)
}

func (p *Line) serve(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		go p.pass(listener, near)
	}
}

// pass passes the bytes of one connection, while the listener that accepted it is the
// present one.
func (p *Line) pass(listener net.Listener, near net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	far, err := net.Dial("tcp", target)
	if err != nil {
		_ = near.Close()
		return
	}
	if !p.enter(listener, near, far) {
		return
	}
	var both sync.WaitGroup
	carry := func(to, from net.Conn) {
		_, _ = io.Copy(gate{p, to}, from) // an error means that the test has cut the line
		_ = to.Close()
		_ = from.Close()
	}
	both.Go(func() { carry(far, near) })
	both.Go(func() { carry(near, far) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, near)
	delete(p.conns, far)
}

func (p *Line) enter(listener net.Listener, conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		if p.listener != listener {
			_ = conn.Close()
			continue
		}
		p.conns[conn] = true
	}
	return p.listener == listener
}
