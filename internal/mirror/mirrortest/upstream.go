// Package mirrortest has upstreams for tests: Git's own programs, behind HTTP and SSH on this
// machine.
package mirrortest

import (
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

// Upstream serves the repositories of a directory.
type Upstream struct {
	Addr string // HOST:PORT
	// Asked counts requests of HTTP for refs, and commands of SSH.
	Asked atomic.Int64
	// AtOnce is the most requests of HTTP that were answered at one time.
	// Close comes before it is read.
	AtOnce int64
	// Token is what a request of HTTP has to bring as its password; "": nothing.
	Token string

	held     atomic.Pointer[Held]
	going    atomic.Int64
	dir      string
	away     atomic.Bool
	listener net.Listener
	key      atomic.Pointer[ssh.Signer] // of an upstream of SSH
	serving  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	forge asks
}

// Away has the upstream refuse everything, or no longer.
func (u *Upstream) Away(is bool) {
	u.away.Store(is)
	if is {
		u.cut()
	}
}

func (u *Upstream) cut() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for conn := range u.conns {
		_ = conn.Close()
	}
}

// Close ends the upstream.
func (u *Upstream) Close() {
	_ = u.listener.Close()
	u.cut()
	u.serving.Wait()
}

// StartHTTP serves a directory by git http-backend.
func StartHTTP(dir string) (*Upstream, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := &Upstream{Addr: listener.Addr().String(), dir: dir, listener: listener, conns: map[net.Conn]bool{}}
	git := &cgi.Handler{Path: program, Args: []string{"http-backend"}, Env: []string{
		"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + dir,
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*", "GIT_CONFIG_KEY_1=http.receivepack", "GIT_CONFIG_VALUE_1=true",
	}}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { u.serveHTTP(git, w, r) }),
		ConnState: func(conn net.Conn, state http.ConnState) {
			u.mu.Lock()
			defer u.mu.Unlock()
			switch state {
			case http.StateNew:
				u.conns[conn] = true
			case http.StateClosed:
				delete(u.conns, conn)
			default:
			}
		},
	}
	u.serving.Go(func() { _ = server.Serve(listener) })
	return u, nil
}

func (u *Upstream) serveHTTP(git http.Handler, w http.ResponseWriter, r *http.Request) {
	going := u.going.Add(1)
	defer u.going.Add(-1)
	u.mu.Lock()
	u.AtOnce = max(u.AtOnce, going)
	u.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/info/refs") {
		u.Asked.Add(1)
	}
	_, password, _ := r.BasicAuth()
	switch {
	case u.away.Load():
		http.Error(w, "away", http.StatusServiceUnavailable)
	case strings.HasPrefix(r.URL.Path, "/api/"):
		u.serveForge(w, r)
	case strings.HasPrefix(r.URL.Path, "/elsewhere/"):
		http.Redirect(w, r, "http://"+u.Addr+strings.TrimPrefix(r.URL.Path, "/elsewhere"), http.StatusMovedPermanently)
	case u.Token != "" && password != u.Token:
		w.Header().Set("WWW-Authenticate", "Basic")
		http.Error(w, "who are you?", http.StatusUnauthorized)
	default:
		git.ServeHTTP(hold(w, u.held.Load()), r)
	}
}

// NewKey makes a key, and a file with its private part.
func NewKey(file string) (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return nil, err
	}
	if file != "" {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
	}
	return ssh.NewSignerFromKey(private)
}

// StartSSH serves a directory by git upload-pack and receive-pack, to who has the private part of a key.
func StartSSH(dir string, client ssh.PublicKey) (*Upstream, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := &Upstream{Addr: listener.Addr().String(), dir: dir, listener: listener, conns: map[net.Conn]bool{}}
	if err := u.NewHostKey(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	u.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			u.serving.Go(func() { u.serveSSH(conn, client) })
		}
	})
	return u, nil
}

// NewHostKey gives an upstream of SSH another key.
func (u *Upstream) NewHostKey() error {
	key, err := NewKey("")
	if err == nil {
		u.key.Store(&key)
	}
	return err
}

// HostKey is the fingerprint of the key of an upstream of SSH.
func (u *Upstream) HostKey() string { return ssh.FingerprintSHA256((*u.key.Load()).PublicKey()) }

func (u *Upstream) serveSSH(conn net.Conn, client ssh.PublicKey) {
	defer conn.Close()
	u.mu.Lock()
	u.conns[conn] = true
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.conns, conn)
	}()
	if u.away.Load() {
		return
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(client.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(*u.key.Load())
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer server.Close()
	go ssh.DiscardRequests(requests)
	for channel := range channels {
		u.serving.Go(func() { u.serveChannel(channel) })
	}
}

var command = regexp.MustCompile(`^git-(upload|receive)-pack '/?([a-z0-9/.-]+)'$`)

func (u *Upstream) serveChannel(asked ssh.NewChannel) {
	channel, requests, err := asked.Accept()
	if err != nil {
		return
	}
	defer channel.Close()
	for request := range requests {
		if request.Type != "exec" {
			_ = request.Reply(false, nil)
			continue
		}
		_ = request.Reply(true, nil)
		u.Asked.Add(1)
		var payload struct{ Command string }
		_ = ssh.Unmarshal(request.Payload, &payload)
		status := uint32(1)
		if words := command.FindStringSubmatch(payload.Command); words != nil {
			git := exec.Command("git", "-c", "safe.directory=*", words[1]+"-pack", filepath.Join(u.dir, filepath.FromSlash(words[2])))
			git.Stdout, git.Stderr = &heldWriter{to: channel, held: u.held.Load()}, channel.Stderr()
			to, err := git.StdinPipe()
			if err == nil {
				err = git.Start()
			}
			if err == nil {
				go func() {
					_, _ = io.Copy(to, channel)
					_ = to.Close()
				}()
				if git.Wait() == nil {
					status = 0
				}
			}
		} else {
			fmt.Fprintf(channel.Stderr(), "%q is not known\n", payload.Command)
		}
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
		return
	}
}
