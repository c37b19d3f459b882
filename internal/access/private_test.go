package access

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// privateKeys returns private keys as text, by the tool that writes them.
func privateKeys(t *testing.T) map[string]string {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	openssh, err := ssh.MarshalPrivateKey(ed, "ana@laptop")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := ssh.MarshalPrivateKeyWithPassphrase(ed, "ana@laptop", []byte("sesame"))
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ed)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(openssh))
	return map[string]string{
		"openssh":             text,
		"openssh, encrypted":  string(pem.EncodeToMemory(sealed)),
		"openssh, CRLF":       strings.ReplaceAll(text, "\n", "\r\n"),
		"openssh, in one":     strings.ReplaceAll(text, "\n", " "),
		"openssh, no header":  strings.Join(strings.Split(text, "\n")[1:], "\n"),
		"openssh, from a mid": strings.Join(strings.Split(text, "\n")[2:], "\n"),
		"pkcs8":               string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
		"sec1":                string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})),
		"putty":               "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: ana\nPrivate-Lines: 1\nAAAAIKlq5C5QwbWxTnY0hV9yJxkq\n",
		"age":                 "# created: 2026\nAGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0S7QQZZZ\n",
		"pgp":                 "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgEZ3kq5BYJKwYBBAHaRw8BAQdA\n",
		"a token":             "ghp_16C7e42F292c6912E7710c838347Ae178B4a\n",
	}
}

func TestErrorsRepeatNothingOfPrivateKeys(t *testing.T) {
	_, public := newKey(t)
	for name, private := range privateKeys(t) {
		for _, text := range []string{private, public + " ana\n" + private, `role="push" ` + private, `role="` + private} {
			for _, admin := range []bool{true, false} {
				_, err := NewDirectory(Source{File: "keys", Text: []byte(text), Admin: admin})
				if err == nil {
					t.Errorf("%s: accepted", name)
					continue
				}
				repeatsNothing(t, name, err.Error(), private)
			}
		}
	}
}

// repeatsNothing checks that a message contains no part of a text. Parts have eight
// characters: that is too long to match by chance.
func repeatsNothing(t *testing.T, name, message, text string) {
	t.Helper()
	for word := range strings.FieldsSeq(text) {
		for from := 0; from+8 <= len(word); from += 4 {
			if part := word[from : from+8]; !strings.HasPrefix(part, "-----") && strings.Contains(message, part) && !strings.Contains("private ssh-ed25519", part) {
				t.Errorf("%s: the error repeats %q:\n%s", name, part, message)
				return
			}
		}
	}
}

func TestPrivateKeyIsCalledOne(t *testing.T) {
	for name, private := range privateKeys(t) {
		if name == "a token" || name == "openssh, from a mid" {
			continue // these have no mark that tells them from other text
		}
		_, err := NewDirectory(Source{File: "keys", Text: []byte("# mine\n" + private), Admin: true})
		if !errors.Is(err, ErrPrivateKey) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeyInThePlaceOfAPath(t *testing.T) {
	for name, private := range privateKeys(t) {
		if err := CheckKeyPath("secrets.ageKeys", private); err == nil {
			t.Errorf("%s: taken for a path", name)
		} else {
			repeatsNothing(t, name, err.Error(), private)
		}
	}
	if err := CheckKeyPath("keys.admin", "/etc/pushboat/ana.pub"); err != nil {
		t.Error(err)
	}
}
