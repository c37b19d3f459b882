package main

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// asProgram makes the test's own program act as pushboat-sops.
const asProgram = "PUSHBOAT_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestVaultBehindAProxy runs with the environment that the server makes from its section
// outgoing: Vault is reached through the proxy, and its certificate is trusted.
func TestVaultBehindAProxy(t *testing.T) {
	vault := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Ciphertext string `json:"ciphertext"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		answer := map[string]any{"data": map[string]string{"plaintext": strings.TrimPrefix(request.Ciphertext, "vault:v1:")}}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	defer vault.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: vault.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := ""
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := strings.Cut(decoded(r.Header.Get("Proxy-Authorization")), ":")
		asked = r.Method + " " + r.Host + " as " + user
		tunnel(t, w, vault.Listener.Addr().String())
	}))
	defer proxy.Close()
	const address = "https://vault.example.com/v1/sops/keys/shop" // the test's certificate has this name
	program := exec.Command(os.Args[0], "serve", "--key", address)
	program.Env = []string{
		asProgram + "=1", "VAULT_TOKEN=token", "SSL_CERT_FILE=" + ca,
		"HTTPS_PROXY=" + strings.Replace(proxy.URL, "http://", "http://ana:geheim@", 1),
	}
	in, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Process.Kill(); _ = program.Wait() }()
	var got reply
	if err := writeFrame(in, request{Format: "yaml", Data: sealedByVault(t, address)}); err != nil {
		t.Fatal(err)
	}
	if err := readFrame(out, &got); err != nil {
		t.Fatal(err)
	}
	if string(got.Plain) != string(read(t, "plain.yaml")) {
		t.Errorf("got %q, failure %q %s", got.Plain, got.Failure, got.Detail)
	}
	if asked != "CONNECT vault.example.com:443 as ana" {
		t.Errorf("the proxy was asked %q", asked)
	}
}

func decoded(authorization string) string {
	text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(authorization, "Basic "))
	if err != nil {
		return ""
	}
	return string(text)
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
