package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/settings"
)

// pairIn writes a certificate with a name and its key to a folder, with a time at which the
// files were changed.
func pairIn(t *testing.T, dir, name string, changed time.Time) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "EC PRIVATE KEY", Bytes: key},
	} {
		put(t, filepath.Join(dir, file), pem.EncodeToMemory(block), changed)
	}
}

func put(t *testing.T, path string, text []byte, changed time.Time) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, changed, changed); err != nil {
		t.Fatal(err)
	}
}

// TestCertificateIsReadAgain: a new connection gets the certificate that is in the files
// now; while they do not fit each other, or cannot be read, the former one.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	first := time.Now().Add(-time.Hour)
	pairIn(t, dir, "first.example", first)
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	s := &server{log: logrus.NewEntry(logger)}
	s.config.HTTP = settings.HTTP{Certificate: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := s.secured(plain)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			if secure, ok := c.(*tls.Conn); ok {
				_ = secure.HandshakeContext(t.Context()) // the client tells how it went
			}
			c.Close()
		}
	}()
	want := func(when, name string) {
		t.Helper()
		if got := nameOn(t, listener.Addr().String()); got != name {
			t.Errorf("%s: the certificate is for %s, not %s", when, got, name)
		}
	}
	want("at first", "first.example")
	pairIn(t, dir, "second.example", first.Add(time.Minute))
	want("after it was renewed", "second.example")
	other := t.TempDir()
	pairIn(t, other, "third.example", first)
	half, err := os.ReadFile(filepath.Join(other, "tls.crt"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "tls.crt"), half, first.Add(2*time.Minute))
	want("with the key of another one", "second.example")
	if err := os.Remove(filepath.Join(dir, "tls.key")); err != nil {
		t.Fatal(err)
	}
	want("without a key", "second.example")
	pairIn(t, dir, "fourth.example", first.Add(3*time.Minute))
	want("after it was renewed again", "fourth.example")
}

// nameOn connects to an address, and returns the name in the certificate that it gets.
func nameOn(t *testing.T, address string) string {
	t.Helper()
	c, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	secure, ok := c.(*tls.Conn)
	if !ok {
		t.Fatalf("the connection is a %T", c)
	}
	return secure.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestWrongCertificateIsRefused(t *testing.T) {
	s := &server{}
	s.config.HTTP = settings.HTTP{Certificate: filepath.Join(t.TempDir(), "none.crt"), Key: "none.key"}
	if _, err := s.secured(nil); err == nil {
		t.Error("a server without its certificate starts")
	}
}
