package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"k8s.io/client-go/tools/clientcmd"
)

// Names in the state directory.
const (
	kubeconfigFile = "kubeconfig"
	logFile        = "devcluster.log"
	lockFile       = "lock"
	pkiDir         = "pki"
	etcdDir        = "etcd"
	etcdSocket     = "etcd.sock"
	auditPolicy    = "audit-policy.yaml"
)

// state is the directory with all data of a cluster. Only one process may have it open.
type state struct {
	dir  string
	lock *os.File
	log  *os.File
}

// openState creates dir if need be, locks and enters it, and opens the log.
func openState(dir string) (*state, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w; name another one with --dir", err)
	}
	lock, err := takeLock(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, err
	}
	s := &state{dir: dir, lock: lock}
	if err := os.Chdir(dir); err != nil {
		s.close()
		return nil, fmt.Errorf("enter the state directory: %w", err)
	}
	if s.log, err = openLog(s.path(logFile)); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// takeLock locks the file at path until the process ends, and writes the owner into it.
func takeLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer file.Close()
		owner := make([]byte, 20)
		n, _ := file.Read(owner) // the message is useful without it, too
		return nil, fmt.Errorf("%s is in use by another devcluster (process %s): stop that one, or use another --dir",
			filepath.Dir(path), strings.TrimSpace(string(owner[:n])))
	}
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintln(file, os.Getpid())
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}

func (s *state) path(name ...string) string {
	return filepath.Join(append([]string{s.dir}, name...)...)
}

// close releases the directory.
func (s *state) close() {
	if s.log != nil {
		_ = s.log.Close()
	}
	_ = s.lock.Close()
}

// lastPort returns the API server's port of the last run on this directory, else 0.
func (s *state) lastPort() int {
	config, err := clientcmd.LoadFromFile(s.path(kubeconfigFile))
	if err != nil || config.Clusters[clusterName] == nil {
		return 0
	}
	server, err := url.Parse(config.Clusters[clusterName].Server)
	if err != nil {
		return 0
	}
	port, _ := strconv.Atoi(server.Port())
	return port
}

// listen takes the API server's port. With port 0 it prefers last, so that kubeconfigs
// stay valid across a restart, and otherwise takes any.
func listen(port, last int) (net.Listener, error) {
	if port == 0 && last != 0 {
		if listener, err := listenOn(last); err == nil {
			return listener, nil
		}
	}
	listener, err := listenOn(port)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d of 127.0.0.1 is in use: pick another --port, or --port 0 for a free one", port)
	}
	if err != nil {
		return nil, fmt.Errorf("take port %d of 127.0.0.1: %w; --port 0 takes a free one", port, err)
	}
	return listener, nil
}

func listenOn(port int) (net.Listener, error) {
	return net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
