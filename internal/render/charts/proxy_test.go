package charts

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/outgoing"
)

// proxy is a proxy that leads every host to one server, and requires the credentials
// ana:geheim.
func proxy(t *testing.T, target string) (address string, asked *[]string) {
	t.Helper()
	asked = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "Basic YW5hOmdlaGVpbQ==" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		*asked = append(*asked, r.Method+" "+r.Host)
		tunnel(t, w, target)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

// tunnel connects a client to a server until one of them closes the connection.
func tunnel(t *testing.T, w http.ResponseWriter, target string) {
	server, err := net.Dial("tcp", target)
	if err != nil {
		t.Error(err)
		return
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		t.Error("the test's proxy cannot hijack the connection")
		return
	}
	client, _, err := hijacker.Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	go func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	}()
}

// TestRegistriesBehindAProxy: requests go through the configured proxy, with its
// credentials, and the configured certificates are trusted. The registry's name leads
// nowhere without the proxy.
func TestRegistriesBehindAProxy(t *testing.T) {
	registry := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "index.yaml") {
			_, _ = io.WriteString(w, "entries:\n  web:\n  - version: 1.0.0\n    urls:\n    - web.tgz\n")
			return
		}
		_, _ = io.WriteString(w, "archive")
	}))
	defer registry.Close()
	dir := t.TempDir()
	ca, credentials := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "credentials")
	for name, text := range map[string]string{
		ca: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: registry.Certificate().Raw})), credentials: "ana:geheim\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address, asked := proxy(t, registry.Listener.Addr().String())
	get := func(config outgoing.Config) (string, error) {
		way, err := outgoing.Open(config)
		if err != nil {
			t.Fatal(err)
		}
		const repo = "https://charts.example.com/stable" // the test's certificate has this name
		s := open(t, Config{Registries: []string{repo}, Way: way})
		data, _, err := getAll(t.Context(), s, Ref{Name: "web", Version: "1.0.0", Repo: repo}, "")
		return string(data), err
	}
	if data, err := get(outgoing.Config{Proxy: address, Credentials: credentials, CA: ca}); err != nil || data != "archive" {
		t.Fatalf("got %q, %v", data, err)
	}
	if len(*asked) == 0 || (*asked)[0] != "CONNECT charts.example.com:443" {
		t.Errorf("the proxy was asked %q", *asked)
	}
	if _, err := get(outgoing.Config{Proxy: address, Credentials: credentials}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("without the certificate: %v", err)
	}
	if _, err := get(outgoing.Config{Proxy: address, CA: ca}); err == nil || !strings.Contains(err.Error(), "Proxy Authentication Required") {
		t.Errorf("without credentials: %v", err)
	}
}
