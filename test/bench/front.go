package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log" //nolint:depguard // http.Server and httputil want one
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// front stands between the server and an API server, and is one to the server: with TLS and
// HTTP/2. Whoever reaches it has the rights of the benchmark.
type front struct {
	kubeconfig string // by which it is reached
	server     *http.Server
	served     chan error
}

// before puts a front before a cluster. through makes its handler of one that passes
// requests on to the cluster.
func (l *lab) before(name string, to *rest.Config, through func(next http.Handler) http.Handler) (*front, error) {
	transport, err := rest.TransportFor(to)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(to.Host)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's address: %w", err)
	}
	next := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1,                         // watches
		ErrorLog:      log.New(io.Discard, "", 0), // of requests that the server has broken off
	}
	certificate, authority, err := selfSigned()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &front{
		kubeconfig: l.path(name + ".kubeconfig"), served: make(chan error, 1),
		server: &http.Server{
			Handler: through(next), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
			TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		},
	}
	go func() { f.served <- f.server.ServeTLS(listener, "", "") }()
	return f, os.WriteFile(f.kubeconfig, kubeconfigFor("https://"+listener.Addr().String(), authority), 0o600)
}

// close ends the front, with the requests that go on.
func (f *front) close() error {
	err := f.server.Close()
	if served := <-f.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// kubeconfigFor is a kubeconfig without credentials.
func kubeconfigFor(address string, authority []byte) []byte {
	config := clientcmdapi.NewConfig()
	config.Clusters["front"] = &clientcmdapi.Cluster{Server: address, CertificateAuthorityData: authority}
	config.AuthInfos["nobody"] = &clientcmdapi.AuthInfo{}
	config.Contexts["front"] = &clientcmdapi.Context{Cluster: "front", AuthInfo: "nobody"}
	config.CurrentContext = "front"
	text, err := clientcmd.Write(*config)
	if err != nil {
		return nil // of a configuration made here, there is no error
	}
	return text
}

// selfSigned makes a certificate for 127.0.0.1, and returns it in PEM as well.
func selfSigned() (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// slowly has every request wait before it is passed on.
func slowly(wait func() time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if pause(r.Context(), wait()) == nil {
				next.ServeHTTP(w, r)
			}
		})
	}
}
