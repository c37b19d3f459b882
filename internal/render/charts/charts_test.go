package charts

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access/grant"

	"github.com/pushboat/pushboat/internal/render/charts/chartstest"
)

func start(t *testing.T) *chartstest.Registry {
	t.Helper()
	r, err := chartstest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// getAll is Get for those who may use all credentials.
func getAll(ctx context.Context, s *Store, ref Ref, digest string) ([]byte, string, error) {
	got, err := s.Get(ctx, ref, digest, grant.Names{})
	return got.Data, got.Digest, err
}

func open(t *testing.T, config Config) *Store {
	t.Helper()
	if config.Dir == "" {
		config.Dir = t.TempDir()
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestChartIsFetchedOnce: a chart is fetched from either kind of registry. After that, the
// network is not needed any more, even by another server over the same directory.
func TestChartIsFetchedOnce(t *testing.T) {
	for _, kind := range []string{"http", "oci"} {
		t.Run(kind, func(t *testing.T) {
			r, archive := start(t), []byte("the archive")
			repo := r.Repo()
			r.Publish("web", "1.2.3+b", archive)
			if kind == "oci" {
				repo = r.OCI()
				if err := r.Push("web", "1.2.3+b", archive); err != nil {
					t.Fatal(err)
				}
			}
			ref, dir := Ref{Name: "web", Version: "1.2.3+b", Repo: repo}, t.TempDir()
			config := Config{Registries: []string{repo}, Dir: dir}
			data, digest, err := getAll(t.Context(), open(t, config), ref, "")
			if err != nil || !bytes.Equal(data, archive) || digest != Digest(archive) {
				t.Fatalf("got %q, %s, %v", data, digest, err)
			}
			r.Close()
			data, _, err = getAll(t.Context(), open(t, config), ref, "")
			if err != nil || !bytes.Equal(data, archive) {
				t.Errorf("without the registry: %q, %v", data, err)
			}
		})
	}
}

// TestVersionsKeepTheirContent: a version keeps the content that it had when it was
// first seen, even if the archive is gone, unless somebody requires other content.
func TestVersionsKeepTheirContent(t *testing.T) {
	r := start(t)
	r.Publish("web", "1.0.0", []byte("one"))
	ref := Ref{Name: "web", Version: "1.0.0", Repo: r.Repo()}
	dir := t.TempDir()
	s := open(t, Config{Registries: []string{r.Repo()}, Dir: dir})
	if _, _, err := getAll(t.Context(), s, ref, ""); err != nil {
		t.Fatal(err)
	}
	r.Publish("web", "1.0.0", []byte("two"))
	if err := os.RemoveAll(filepath.Join(dir, "archives")); err != nil {
		t.Fatal(err)
	}
	_, _, err := getAll(t.Context(), s, ref, "")
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) || mismatch.Want != Digest([]byte("one")) || mismatch.Have != Digest([]byte("two")) {
		t.Errorf("another content: %v", err)
	}
	if data, _, err := getAll(t.Context(), s, ref, Digest([]byte("two"))); err != nil || string(data) != "two" {
		t.Errorf("the digest that is meant: %q, %v", data, err)
	}
	other := open(t, Config{Registries: []string{r.Repo()}})
	if err := other.Note(Chart{Ref: ref, Digest: Digest([]byte("one"))}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := getAll(t.Context(), other, ref, ""); !errors.As(err, &mismatch) {
		t.Errorf("another content than a record's: %v", err)
	}
}

// TestFirstContentCounts: two processes meet a version for the first time, and get
// different contents of it. One of them gets an error.
func TestFirstContentCounts(t *testing.T) {
	answer := make(chan string)
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "index.yaml") {
			fmt.Fprint(w, "entries:\n  web:\n  - version: 1.0.0\n    urls:\n    - web.tgz\n")
			return
		}
		asked <- struct{}{}
		fmt.Fprint(w, <-answer)
	}))
	defer server.Close()
	ref, config := Ref{Name: "web", Version: "1.0.0", Repo: server.URL}, Config{Registries: []string{server.URL}, Dir: t.TempDir()}
	ends := make(chan error)
	for range 2 { // separate stores, so that they do not share a fetch
		s := open(t, config)
		go func() {
			_, _, err := getAll(context.Background(), s, ref, "")
			ends <- err
		}()
		<-asked
	}
	answer <- "one"
	first := <-ends
	answer <- "two"
	second := <-ends
	var mismatch *MismatchError
	if first != nil || !errors.As(second, &mismatch) || mismatch.Want != Digest([]byte("one")) || mismatch.Have != Digest([]byte("two")) {
		t.Errorf("the first ended with %v, the second with %v", first, second)
	}
}

// TestDamagedArchivesAreFetchedAgain: a file on disk must match its digest.
func TestDamagedArchivesAreFetchedAgain(t *testing.T) {
	r := start(t)
	r.Publish("web", "1.0.0", []byte("one"))
	dir := t.TempDir()
	s := open(t, Config{Registries: []string{r.Repo()}, Dir: dir})
	for range 2 {
		if data, _, err := getAll(t.Context(), s, Ref{Name: "web", Version: "1.0.0", Repo: r.Repo()}, ""); err != nil || string(data) != "one" {
			t.Fatalf("got %q, %v", data, err)
		}
		if err := os.WriteFile(s.disk.archive(Digest([]byte("one")), ""), []byte("ony"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOldArchivesGo: the size of the kept archives is limited, and the digests stay.
func TestOldArchivesGo(t *testing.T) {
	r := start(t)
	s := open(t, Config{Registries: []string{r.Repo()}, Size: 2500})
	for i := range 4 {
		version := fmt.Sprintf("1.0.%d", i)
		r.Publish("web", version, bytes.Repeat([]byte{byte(i)}, 1000))
		if _, _, err := getAll(t.Context(), s, Ref{Name: "web", Version: version, Repo: r.Repo()}, ""); err != nil {
			t.Fatal(err)
		}
		past := time.Now().Add(time.Duration(i-10) * time.Hour) // gives the archives different ages
		if err := os.Chtimes(s.disk.archive(Digest(bytes.Repeat([]byte{byte(i)}, 1000)), ""), past, past); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadDir(filepath.Join(s.disk.dir, "archives"))
	if err != nil || len(kept) != 2 {
		t.Errorf("%d archives are kept, %v", len(kept), err)
	}
	if known, err := s.disk.pinned(Ref{Name: "web", Version: "1.0.0", Repo: r.Repo()}); err != nil || known.Digest == "" {
		t.Errorf("the digest of the oldest: %q, %v", known.Digest, err)
	}
}

// TestOnlyAllowedAddresses: addresses are allowed by prefix, and there is no way around it.
func TestOnlyAllowedAddresses(t *testing.T) {
	s := open(t, Config{Registries: []string{"https://charts.example.org/stable", "oci://registry.example.org/charts"}})
	for repo, allowed := range map[string]bool{
		"https://charts.example.org/stable":          true,
		"https://CHARTS.example.org:443/stable/":     true,
		"https://charts.example.org/stable/more":     true,
		"oci://registry.example.org/charts/team":     true,
		"https://charts.example.org/stablest":        false,
		"https://charts.example.org":                 false,
		"https://charts.example.org/stable/../other": false,
		"https://charts.example.org/stable/%2e%2e/x": false,
		"https://charts.example.org.evil.org/stable": false,
		"https://charts.example.org@evil.org/stable": false,
		"https://charts.example.org:8443/stable":     false,
		"https://charts.example.org/stable?x=1":      false,
		"http://charts.example.org/stable":           false,
		"http://127.0.0.1/stable":                    false,
		"http://169.254.169.254/latest":              false,
		"oci://registry.example.org/other":           false,
		"file:///etc":                                false,
		"@stable":                                    false,
		"":                                           false,
	} {
		ref := Ref{Name: "web", Version: "1.0.0", Repo: repo}
		err := ref.Check()
		if err == nil {
			_, err = s.allow(ref)
		}
		if (err == nil) != allowed {
			t.Errorf("%q: %v", repo, err)
		}
	}
	var none *Store
	var refused *NotAllowedError
	if _, _, err := getAll(t.Context(), none, Ref{Name: "web", Version: "1.0.0", Repo: "https://charts.example.org"}, ""); !errors.As(err, &refused) {
		t.Errorf("without a store: %v", err)
	}
}

// TestHostileRegistries: each answer is refused for the right reason, and in time.
func TestHostileRegistries(t *testing.T) {
	for _, test := range []struct {
		name  string
		serve func(w http.ResponseWriter, r *http.Request)
		want  string
	}{
		{"an index without end", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("entries:\n"))
			line := []byte(strings.Repeat("  a: b\n", 10_000))
			for {
				if _, err := w.Write(line); err != nil {
					return
				}
			}
		}, "is too large"},
		{"a line without end", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(bytes.Repeat([]byte("a"), 1<<16)); err != nil {
					return
				}
			}
		}, "token too long"},
		{"entries without end", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("entries:\n  web:\n"))
			for {
				if _, err := w.Write([]byte(strings.Repeat("  - version: 1.0.1\n", 10_000))); err != nil {
					return
				}
			}
		}, "is too large"},
		{"an archive without end", entry("web.tgz", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}), "is too large"},
		{"another content than the index says", entry("web.tgz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) }), "another content"},
		{"an address elsewhere", entry("https://elsewhere.example.org/web.tgz", nil), "charts may not be fetched from https://elsewhere.example.org/web.tgz"},
		{"the credentials of the machine", entry("http://169.254.169.254/latest/meta-data", nil), "is not encrypted"},
		{"another port of this machine", entry("http://127.0.0.1:1/web.tgz", nil), "charts may not be fetched from http://127.0.0.1:1"},
		{"a file of this machine", entry("file:///etc/passwd", nil), "does not begin with https://"},
		{"a way out of the prefix", entry("/other/web.tgz", nil), "charts may not be fetched from"},
		{"sent elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example.org/index.yaml?token=secret", http.StatusFound)
		}, "charts may not be fetched from https://elsewhere.example.org/index.yaml"},
		{"sent round in circles", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "more than 5 times"},
		{"headers without end", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, "ask http://"},
		{"a slow one", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("entries:\n"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "did not send it within"},
		{"no index", http.NotFound, "answers 404 Not Found"},
		{"no YAML", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("entries:\n  web:\n  - {[\n")) }, "read the index"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(test.serve))
			defer server.Close()
			config := Config{Registries: []string{server.URL + "/repo"}, Timeout: 5 * time.Minute}
			if test.name == "a slow one" {
				config.Timeout = 200 * time.Millisecond
			}
			_, _, err := getAll(t.Context(), open(t, config), Ref{Name: "web", Version: "1.0.0", Repo: server.URL + "/repo"}, "")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "token=") {
				t.Errorf("the error shows a part that may be a signature: %v", err)
			}
		})
	}
}

// entry serves an index with one address for web 1.0.0, and the archive at that
// address.
func entry(address string, archive func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "index.yaml") {
			archive(w, r)
			return
		}
		fmt.Fprintf(w, "entries:\n  other:\n  - version: 1.0.0\n    urls: [other.tgz]\n  web:\n  - version: 1.0.0\n    digest: %064d\n    urls:\n    - %s\n", 1, address)
	}
}

// TestNamesThatLeadToThisMachine: the address behind a name is checked as well.
func TestNamesThatLeadToThisMachine(t *testing.T) {
	c, err := newClient(nil, Config{})
	if err != nil {
		t.Fatal(err)
	}
	own := context.WithValue(t.Context(), onThisMachine{}, true)
	for address, refused := range map[string]bool{
		"127.0.0.1:443": true, "[::1]:443": true, "[::ffff:127.0.0.1]:443": true, "169.254.169.254:80": true, "[::ffff:169.254.169.254]:80": true,
		"[fe80::1]:443": true, "[fd00:ec2::254]:80": true, "0.0.0.0:443": true, "224.0.0.1:443": true,
		"10.0.0.7:443": false, "93.184.216.34:443": false, "[2606:2800::1]:443": false,
	} {
		if err := c.refuseAddresses(t.Context(), "tcp", address, nil); (err != nil) != refused {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := c.refuseAddresses(own, "tcp", "127.0.0.1:443", nil); err != nil {
		t.Errorf("this machine, by its name: %v", err)
	}
	if err := c.refuseAddresses(own, "tcp", "169.254.169.254:443", nil); err == nil {
		t.Error("this machine's name leads to the metadata service of a cloud")
	}
}

// TestCredentialsStayWhereTheyBelong: credentials go to their own registry, and not to
// hosts that it redirects to.
func TestCredentialsStayWhereTheyBelong(t *testing.T) {
	var leaked string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked += r.Header.Get("Authorization")
		_, _ = w.Write([]byte("archive"))
	}))
	defer other.Close()
	var user, password string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ = r.BasicAuth()
		if strings.HasSuffix(r.URL.Path, "web.tgz") {
			http.Redirect(w, r, other.URL+"/web.tgz", http.StatusFound)
			return
		}
		fmt.Fprint(w, "entries:\n  web:\n  - version: 1.0.0\n    urls:\n    - web.tgz\n")
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("robot:geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{Registries: []string{server.URL, other.URL}, Credentials: map[string]string{server.URL: file}})
	data, _, err := getAll(t.Context(), s, Ref{Name: "web", Version: "1.0.0", Repo: server.URL}, "")
	if err != nil || string(data) != "archive" {
		t.Fatalf("got %q, %v", data, err)
	}
	if user != "robot" || password != "geheim" {
		t.Errorf("the registry got %q, %q", user, password)
	}
	if leaked != "" {
		t.Errorf("the other host got %q", leaked)
	}
}

// TestTokens: an OCI registry sends its clients to a token service. It may be another
// host's, which must be allowed, and which gets none of the registry's credentials.
func TestTokens(t *testing.T) {
	r := start(t)
	if err := r.Push("web", "1.0.0", []byte("archive")); err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse("http://" + r.Address)
	if err != nil {
		t.Fatal(err)
	}
	behind := httputil.NewSingleHostReverseProxy(target)
	var realm, told string
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		user, password, _ := asked.BasicAuth()
		switch {
		case asked.URL.Path == "/token" && user+":"+password == "robot:geheim" && asked.URL.Query().Get("scope") == "repository:charts/web:pull":
			fmt.Fprint(w, `{"token":"abc"}`)
		case asked.Header.Get("Authorization") != "Bearer abc":
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm+`",service="x"`)
			http.Error(w, "who?", http.StatusUnauthorized)
		default:
			behind.ServeHTTP(w, asked)
		}
	}))
	defer door.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		told += asked.Header.Get("Authorization")
		fmt.Fprint(w, `{"token":"wrong"}`)
	}))
	defer other.Close()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("robot:geheim"), 0o600); err != nil {
		t.Fatal(err)
	}
	oci := strings.Replace(door.URL, "http://", "oci://", 1) + "/charts"
	get := func(allowed ...string) (string, error) {
		s := open(t, Config{Registries: append(allowed, oci), Credentials: map[string]string{oci: file}})
		data, _, err := getAll(t.Context(), s, Ref{Name: "web", Version: "1.0.0", Repo: oci}, "")
		return string(data), err
	}
	realm = door.URL + "/token"
	if data, err := get(); err != nil || data != "archive" {
		t.Errorf("with a token of its own service: %q, %v", data, err)
	}
	realm = other.URL + "/token"
	var refused *NotAllowedError
	if _, err := get(); !errors.As(err, &refused) {
		t.Errorf("with a service that is not allowed: %v", err)
	}
	if _, err := get(other.URL); err == nil || told != "" {
		t.Errorf("with a service that is allowed: %v; the service got %q", err, told)
	}
}

// TestCertificatesAreVerified: certificates are checked against the system's and the
// configured ones.
func TestCertificatesAreVerified(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(entry("web.tgz", func(w http.ResponseWriter, _ *http.Request) {})))
	defer server.Close()
	server.Config.ErrorLog = nil
	ref := Ref{Name: "web", Version: "1.0.0", Repo: server.URL}
	_, _, err := getAll(t.Context(), open(t, Config{Registries: []string{server.URL}}), ref, "")
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate of an unknown authority: %v", err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var mismatch *MismatchError // until the certificate is accepted
	if _, _, err := getAll(t.Context(), open(t, Config{Registries: []string{server.URL}, CA: file}), ref, ""); !errors.As(err, &mismatch) {
		t.Errorf("with its certificate: %v", err)
	}
}
