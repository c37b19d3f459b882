package script

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// proxy stands between a script's server and the API server, so that the
// script can cut the line or hold what is on it. It passes bytes, and sees
// nothing of what is in TLS.
type proxy struct {
	address string // where it listens
	target  string

	mu       sync.Mutex
	listener net.Listener // nil while it is off
	conns    map[net.Conn]bool
	held     chan struct{} // closed when bytes pass again; nil while they pass
}

// startProxy opens the script's line to the cluster and writes the kubeconfig
// that leads there.
func (s *stage) startProxy() error {
	config := s.cluster.kubeconfig.DeepCopy()
	entry := config.Clusters[config.Contexts[config.CurrentContext].Cluster]
	address, err := url.Parse(entry.Server)
	if err != nil {
		return err
	}
	if s.proxy, err = newProxy(hostPort(address)); err != nil {
		return fmt.Errorf("open the line to the cluster: %w", err)
	}
	if entry.TLSServerName == "" {
		entry.TLSServerName = address.Hostname()
	}
	entry.Server = address.Scheme + "://" + s.proxy.address + address.Path
	if s.cluster.audit != nil {
		user := config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo]
		user.Impersonate, user.ImpersonateGroups = s.auditUser(), []string{"system:masters"}
	}
	return clientcmd.WriteToFile(*config, s.path("kubeconfig"))
}

func hostPort(address *url.URL) string {
	if address.Port() == "" {
		return net.JoinHostPort(address.Hostname(), "443")
	}
	return address.Host
}

// readKubeconfig reads a kubeconfig with everything that it refers to in it.
func readKubeconfig(path string) (*api.Config, error) {
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

// The proxies' ports are below those that the kernel gives to port 0 (32768 on
// Linux, 49152 elsewhere): nobody takes one while its proxy is off.
const (
	firstPort = 20000
	ports     = 10000
)

var nextPort atomic.Uint32

func init() { nextPort.Store(uint32(os.Getpid()) * 64) }

// newProxy makes a proxy that is on.
func newProxy(target string) (*proxy, error) {
	var err error
	for range 100 {
		p := &proxy{
			address: fmt.Sprintf("127.0.0.1:%d", firstPort+nextPort.Add(1)%ports),
			target:  target, conns: map[net.Conn]bool{},
		}
		if err = p.on(); err == nil {
			return p, nil
		}
	}
	return nil, err
}

// on listens again, and passes what was held.
func (p *proxy) on() error {
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

// off refuses connections, and cuts those that there are.
func (p *proxy) off() {
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

// hold keeps all bytes back, on connections that stay: who asks waits.
func (p *proxy) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = make(chan struct{})
	}
}

// letGo ends hold. p.mu is held.
func (p *proxy) letGo() {
	if p.held != nil {
		close(p.held)
		p.held = nil
	}
}

// wait returns when bytes may pass.
func (p *proxy) wait() {
	p.mu.Lock()
	held := p.held
	p.mu.Unlock()
	if held != nil {
		<-held
	}
}

// gate is a connection that bytes go to while they may pass.
type gate struct {
	*proxy
	to net.Conn
}

func (g gate) Write(data []byte) (int, error) {
	g.wait()
	return g.to.Write(data)
}

func (p *proxy) serve(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		go p.pass(listener, near)
	}
}

// pass carries one connection, as long as the listener that it came by is the
// one in use.
func (p *proxy) pass(listener net.Listener, near net.Conn) {
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = near.Close()
		return
	}
	if !p.enter(listener, near, far) {
		return
	}
	var both sync.WaitGroup
	carry := func(to, from net.Conn) {
		_, _ = io.Copy(gate{p, to}, from) // a line that is cut is what a proxy is for
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

func (p *proxy) enter(listener net.Listener, conns ...net.Conn) bool {
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
