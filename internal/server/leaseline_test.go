package server

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/sirupsen/logrus"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"

	"github.com/pushboat/pushboat/internal/settings"
)

// leaseServer is an API server with one Lease, for those who bring its token.
type leaseServer struct {
	*httptest.Server

	mu      sync.Mutex
	token   string
	lease   *coordinationv1.Lease // nil: there is none
	version int
	refused chan struct{} // has room for one request that was refused
	written chan string   // has room for one: the token by which the lease was written
}

func newLeaseServer(t *testing.T, token string) *leaseServer {
	t.Helper()
	s := &leaseServer{token: token, refused: make(chan struct{}, 1), written: make(chan string, 1)}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP reads and writes the Lease. Nobody may watch it.
func (s *leaseServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+s.token:
		w.WriteHeader(http.StatusUnauthorized)
		offer(s.refused, struct{}{})
	case r.URL.Query().Has("watch"):
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodGet && s.lease == nil:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}`)
	case r.Method == http.MethodGet:
		_ = json.NewEncoder(w).Encode(s.lease)
	default:
		next, err := readLease(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.version++
		next.ResourceVersion = fmt.Sprint(s.version)
		s.lease = next
		offer(s.written, s.token)
		_ = json.NewEncoder(w).Encode(next)
	}
}

// readLease reads a Lease as clients write it, in protobuf.
func readLease(body io.Reader) (*coordinationv1.Lease, error) {
	kinds := runtime.NewScheme()
	if err := coordinationv1.AddToScheme(kinds); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	lease := &coordinationv1.Lease{}
	_, _, err = serializer.NewCodecFactory(kinds).UniversalDeserializer().Decode(text, nil, lease)
	return lease, err
}

// rotate has another token, and no other, open the server.
func (s *leaseServer) rotate(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
	for len(s.refused) > 0 {
		<-s.refused
	}
	for len(s.written) > 0 {
		<-s.written
	}
}

// offer puts a value into a channel that has room for it.
func offer[T any](to chan T, value T) {
	select {
	case to <- value:
	default:
	}
}

// leased is a server whose lease is on a cluster, and the file of its kubeconfig.
func leased(t *testing.T, cluster *leaseServer) (s *server, kubeconfig string) {
	t.Helper()
	dir := t.TempDir()
	kubeconfig = filepath.Join(dir, "kubeconfig")
	writeToken(t, kubeconfig, cluster)
	config := filepath.Join(dir, "pushboat.yaml")
	text := "data: " + dir + "\nkubeconfig: " + kubeconfig + "\nlease: a/b\nssh: {address: '127.0.0.1:0'}\nkeys: {file: " + filepath.Join(dir, "keys") + "}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	s = &server{sources: settings.Sources{File: config}, log: logrus.NewEntry(log)}
	var err error
	if s.config, err = readSettings(s.sources); err != nil {
		t.Fatal(err)
	}
	return s, kubeconfig
}

// writeToken writes a kubeconfig with the token that a cluster takes now.
func writeToken(t *testing.T, file string, cluster *leaseServer) {
	t.Helper()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cluster.Certificate().Raw})
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
  clusters: [{name: c, cluster: {server: %q, certificate-authority-data: %s}}], users: [{name: u, user: {token: %q}}]}`,
		cluster.URL, base64.StdEncoding.EncodeToString(authority), cluster.token)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLeaseFollowsTheKubeconfig: a server that leads renews its lease with the token that
// its kubeconfig has by now, at the address that it has by now.
func TestLeaseFollowsTheKubeconfig(t *testing.T) {
	t.Parallel()
	cluster := newLeaseServer(t, "first")
	s, kubeconfig := leased(t, cluster)
	if err := s.lead(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := <-cluster.written; got != "first" {
		t.Errorf("the lease was written with the token %q", got)
	}
	if err := s.leaseLine.reconnect(s.config); err != nil { // nothing has changed
		t.Fatal(err)
	}
	cluster.rotate("second")
	writeToken(t, kubeconfig, cluster)
	if err := s.leaseLine.reconnect(s.config); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-cluster.written:
		if got != "second" {
			t.Errorf("the lease was renewed with the token %q", got)
		}
	case <-s.lease.Lost():
		t.Fatal(s.lease.Why())
	}
	if err := os.Remove(kubeconfig); err != nil {
		t.Fatal(err)
	}
	if err := s.leaseLine.reconnect(s.config); err == nil {
		t.Error("a kubeconfig that is gone is no error")
	}
	s.lease.Release()
	if cluster.holder() != "" {
		t.Errorf("after its release the lease is held by %q", cluster.holder())
	}
	if err := (*leaseLine)(nil).reconnect(s.config); err != nil {
		t.Errorf("without a lease: %v", err)
	}
}

func (s *leaseServer) holder() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.lease.Spec.HolderIdentity
}

// TestStandbyFollowsTheKubeconfig: a standby whose token is refused takes up the new one
// with a signal, leads, and knows that a reload is due.
func TestStandbyFollowsTheKubeconfig(t *testing.T) {
	t.Parallel()
	cluster := newLeaseServer(t, "first")
	s, kubeconfig := leased(t, cluster)
	cluster.rotate("second")
	reload := make(chan os.Signal, 1)
	ended := make(chan error)
	go func() { ended <- s.lead(t.Context(), reload) }()
	<-cluster.refused
	writeToken(t, kubeconfig, cluster)
	reload <- syscall.SIGHUP
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := <-cluster.written; got != "second" || !s.reloadLater {
		t.Errorf("the lease was written with the token %q; a reload is due: %t", got, s.reloadLater)
	}
	s.lease.Release()
}
