package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"
)

// sshKey makes a host key, and returns its file and its recipient.
func sshKey(t *testing.T) (file, recipient string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return file, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func ring(t *testing.T, sshKeys ...string) *keyring {
	t.Helper()
	k, err := openKeyring(sshKeys, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestEveryFormat: an encrypted file comes back unchanged, with its values.
func TestEveryFormat(t *testing.T) {
	file, recipient := sshKey(t)
	for _, c := range []struct{ format, text, regex, value string }{
		{"yaml", "a: canary-1\nb:\n    - 2\n    - canary-3\n---\nc: canary-4\n", "", "canary-4"},
		{"yaml", "kind: Secret\nstringData:\n    p: |\n        canary-1\n        canary-2\n", "^stringData$", "canary-1\ncanary-2\n"},
		{"json", "{\n\t\"a\": \"canary-1\"\n}\n", "", "canary-1"},
		{"dotenv", "A=canary-1\n# canary-2\nB=x=y\n", "", " canary-2"},
		{"ini", "[s]\na = canary-1\n", "", "canary-1"},
		{"binary", "\x00\x01canary-1\xff", "", "\x00\x01canary-1\xff"},
	} {
		sealed, err := encrypt([]byte(c.text), c.format, recipient, c.regex)
		if err != nil {
			t.Fatalf("%s: %v", c.format, err)
		}
		if bytes.Contains(sealed, []byte("canary")) {
			t.Errorf("%s: the encrypted file has the value:\n%s", c.format, sealed)
		}
		got := ring(t, file).open(request{Format: c.format, Data: sealed})
		if string(got.Plain) != c.text || got.Failure != "" {
			t.Errorf("%s: got %q, failure %q %s, want %q", c.format, got.Plain, got.Failure, got.Detail, c.text)
		}
		if c.format != "binary" && !slices.Contains(got.Values, c.value) {
			t.Errorf("%s: the values are %q, without %q", c.format, got.Values, c.value)
		}
		if c.regex != "" && slices.Contains(got.Values, "Secret") {
			t.Errorf("%s: a value that was not encrypted is in the list: %q", c.format, got.Values)
		}
	}
}

// TestFailuresTellNoValues: failures tell an unreadable file from a changed one, and repeat
// no part of either.
func TestFailuresTellNoValues(t *testing.T) {
	file, recipient := sshKey(t)
	other, _ := sshKey(t)
	sealed, err := encrypt([]byte("a: canary-1\nb_unencrypted: canary-2\n"), "yaml", recipient, "")
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		ring *keyring
		text string
		want failure
	}{
		"another key":        {ring(t, other), string(sealed), noKey},
		"no key at all":      {ring(t), string(sealed), noKey},
		"a changed value":    {ring(t, file), strings.Replace(string(sealed), "canary-2", "canary-3", 1), changed},
		"a value put in":     {ring(t, file), "c: canary-4\n" + string(sealed), changed},
		"no metadata":        {ring(t, file), "a: canary-1\n", malformed},
		"broken YAML":        {ring(t, file), "a: [canary-1\n" + string(sealed), malformed},
		"metadata of a list": {ring(t, file), "a: canary-1\nsops: [canary-2]\n", malformed},
	} {
		got := c.ring.open(request{Format: "yaml", Data: []byte(c.text)})
		if got.Failure != c.want || len(got.Plain)+len(got.Values) > 0 {
			t.Errorf("%s: failure %q with %d bytes, want %q", what, got.Failure, len(got.Plain), c.want)
		}
		if strings.Contains(got.Detail+strings.Join(got.Readers, " "), "canary") {
			t.Errorf("%s: the failure repeats a value: %q %q", what, got.Detail, got.Readers)
		}
		if c.want == noKey && !slices.Contains(got.Readers, "age "+recipient) {
			t.Errorf("%s: the readers are %q, without %q", what, got.Readers, recipient)
		}
	}
}

// TestNoCloudIsAskedUnlessConfigured: a file names the address of a cloud service, to which
// the server would send its token.
func TestNoCloudIsAskedUnlessConfigured(t *testing.T) {
	vault := `a: ENC[AES256_GCM,data:eA==,iv:MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=,tag:MDAwMDAwMDAwMDAwMDAwMA==,type:str]
sops:
    hc_vault:
        - vault_address: http://127.0.0.1:1
          engine_path: sops
          key_name: k
          created_at: "2026-01-01T00:00:00Z"
          enc: vault:v1:x
    lastmodified: "2026-01-01T00:00:00Z"
    mac: ENC[AES256_GCM,data:eA==,iv:MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=,tag:MDAwMDAwMDAwMDAwMDAwMA==,type:str]
    version: 3.13.3
`
	got := ring(t).open(request{Format: "yaml", Data: []byte(vault)})
	if got.Failure != noKey || !strings.Contains(got.Detail, "secrets.keys") {
		t.Errorf("failure %q: %s", got.Failure, got.Detail)
	}
	k := ring(t)
	for pattern, want := range map[string]bool{
		"": false, "*": false, "http://127.0.0.1:1/v1/sops/keys/k": true, "http://127.0.0.1:1/v1/*": true, "http://127.0.0.1": false,
	} {
		k.allowed = []string{pattern}
		store, err := storeFor("yaml")
		if err != nil {
			t.Fatal(err)
		}
		tree, err := store.LoadEncryptedFile([]byte(vault))
		if err != nil {
			t.Fatal(err)
		}
		if got := k.mayAsk(tree.Metadata.KeyGroups[0][0]); got != want {
			t.Errorf("with secrets.keys %q, Vault may be asked: %v", pattern, got)
		}
	}
}

// TestAgeIdentities: a file of age identities is a key, too.
func TestAgeIdentities(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "keys.txt")
	if err := os.WriteFile(file, []byte("# created: today\n"+identity.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sealed, err := encrypt([]byte("a: b\n"), "yaml", identity.Recipient().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	k, err := openKeyring(nil, []string{file}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := k.open(request{Format: "yaml", Data: sealed}); string(got.Plain) != "a: b\n" {
		t.Errorf("got %q, failure %q", got.Plain, got.Failure)
	}
}

// TestServe: serve answers each request with one reply, and returns at the end of its
// input.
func TestServe(t *testing.T) {
	file, recipient := sshKey(t)
	sealed, err := encrypt([]byte("A=1\n"), "dotenv", recipient, "")
	if err != nil {
		t.Fatal(err)
	}
	var in, out bytes.Buffer
	for _, r := range []request{{Format: "dotenv", Data: sealed}, {Format: "other", Data: sealed}, {Format: "json", Data: sealed}} {
		if err := writeFrame(&in, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := serve(&in, &out, ring(t, file)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []failure{"", malformed, malformed} {
		var got reply
		if err := readFrame(&out, &got); err != nil || got.Failure != want {
			t.Errorf("failure %q (%v), want %q", got.Failure, err, want)
		}
	}
	if err := readFrame(&out, &reply{}); !errors.Is(err, io.EOF) {
		t.Errorf("after the last reply: %v", err)
	}
}
