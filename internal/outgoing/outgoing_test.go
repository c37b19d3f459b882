package outgoing

import (
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// canary is a text that must not be repeated.
const canary = "hunter2-Xq9ZkT7w"

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestProxyIsForWhatIsElsewhere(t *testing.T) {
	credentials := write(t, "ana:p@ss word\n")
	way, err := Open(Config{Proxy: "http://proxy.example.org:3128", Credentials: credentials, NoProxy: []string{"registry.internal", ".svc", "10.0.0.0/8"}})
	if err != nil {
		t.Fatal(err)
	}
	for address, proxied := range map[string]bool{
		"https://charts.example.org/stable": true,
		"http://charts.example.org":         true,
		"https://registry.internal:5000":    false,
		"https://shop.svc/x":                false,
		"https://10.1.2.3":                  false,
		"https://127.0.0.1:8443":            false,
		"http://localhost:8080":             false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		proxy, err := way.ProxyFor(u)
		if err != nil || (proxy != nil) != proxied {
			t.Errorf("%s: %v, %v", address, proxy, err)
		}
		if proxy != nil && proxy.String() != "http://ana:p%40ss%20word@proxy.example.org:3128" {
			t.Errorf("%s goes through %s", address, proxy)
		}
	}
	want := []string{
		"HTTP_PROXY=http://ana:p%40ss%20word@proxy.example.org:3128", "HTTPS_PROXY=http://ana:p%40ss%20word@proxy.example.org:3128",
		"NO_PROXY=registry.internal,.svc,10.0.0.0/8",
	}
	if got := way.Environment(); !slices.Equal(got, want) {
		t.Errorf("the environment of a child is %q, want %q", got, want)
	}
}

// TestEnvironmentSaysNothing: the server's own environment variables do not count as the
// setting.
func TestEnvironmentSaysNothing(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://elsewhere.example.org:3128")
	t.Setenv("SSL_CERT_FILE", "/nowhere")
	open, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []*Way{nil, open} {
		proxy, err := way.ProxyFor(&url.URL{Scheme: "https", Host: "charts.example.org"})
		if proxy != nil || err != nil || way.Roots() != nil || len(way.Environment()) > 0 || way.IsProxy("elsewhere.example.org:3128") {
			t.Errorf("proxy %v, %v, roots %v, environment %q", proxy, err, way.Roots(), way.Environment())
		}
	}
}

func TestIsProxy(t *testing.T) {
	for _, tt := range []struct {
		proxy, address string
		is             bool
	}{
		{"http://proxy.example.org:3128", "proxy.example.org:3128", true},
		{"http://proxy.example.org:3128", "PROXY.example.org:3128", true},
		{"http://proxy.example.org:3128", "proxy.example.org:443", false},
		{"http://proxy.example.org:3128", "charts.example.org:3128", false},
		{"http://proxy.example.org", "proxy.example.org:80", true},
		{"https://proxy.example.org", "proxy.example.org:443", true},
		{"http://[::1]:3128", "[::1]:3128", true},
	} {
		way, err := Open(Config{Proxy: tt.proxy})
		if err != nil {
			t.Fatal(err)
		}
		if got := way.IsProxy(tt.address); got != tt.is {
			t.Errorf("%s with the proxy %s: %v", tt.address, tt.proxy, got)
		}
	}
}

// TestWrongFilesAreNamed: the error names the setting, and repeats neither the file's
// content nor a text in the place of its path.
func TestWrongFilesAreNamed(t *testing.T) {
	proxy := "http://proxy.example.org:3128"
	for name, tt := range map[string]struct {
		config  Config
		setting string
	}{
		"a file that is not there":    {Config{CA: "no-such-file"}, "outgoing.ca"},
		"no certificate":              {Config{CA: write(t, canary)}, "outgoing.ca"},
		"too large a file":            {Config{CA: write(t, strings.Repeat(canary, 1<<19))}, "outgoing.ca"},
		"credentials for a path":      {Config{Proxy: proxy, Credentials: "ana:" + canary}, "outgoing.proxyCredentials"},
		"credentials of one word":     {Config{Proxy: proxy, Credentials: write(t, canary)}, "outgoing.proxyCredentials"},
		"credentials of two lines":    {Config{Proxy: proxy, Credentials: write(t, "ana:"+canary+"\nben:x")}, "outgoing.proxyCredentials"},
		"credentials in the address":  {Config{Proxy: "http://ana:" + canary + "@proxy"}, "outgoing.proxy"},
		"an address without its host": {Config{Proxy: canary}, "outgoing.proxy"},
	} {
		_, err := Open(tt.config)
		of, ok := errors.AsType[*SettingError](err)
		if !ok || of.Setting != tt.setting || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTrustAddsUp: the certificates of both files are trusted, and none is lost.
func TestTrustAddsUp(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	file := write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	way, err := Open(Config{CA: file})
	if err != nil {
		t.Fatal(err)
	}
	more, err := Trust(way.Roots(), "charts.ca", file)
	if err != nil || more == way.Roots() || !more.Equal(way.Roots()) {
		t.Errorf("adding the same file again gives other certificates: %v", err)
	}
	if got, want := way.Environment(), []string{"SSL_CERT_FILE=" + file}; !slices.Equal(got, want) {
		t.Errorf("the environment of a child is %q, want %q", got, want)
	}
	if roots, err := Trust(nil, "charts.ca", ""); roots != nil || err != nil {
		t.Errorf("without a file: %v, %v", roots, err)
	}
}
