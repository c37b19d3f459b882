package bucket

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSignaturesAreAmazons uses the examples of "Authenticating Requests: Using the
// Authorization Header" in Amazon's documentation of S3.
func TestSignaturesAreAmazons(t *testing.T) {
	keys := Keys{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	for query, want := range map[string]string{
		"lifecycle=":          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		"max-keys=2&prefix=J": "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
	} {
		r, err := http.NewRequest(http.MethodGet, "https://examplebucket.s3.amazonaws.com/?"+query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		keys.sign(r, sha256.Sum256(nil), "us-east-1", time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+want) || !strings.Contains(got, "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request") {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// TestTokensAreSigned: a session token is sent, and is among the signed headers.
func TestTokensAreSigned(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://example.org/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	Keys{ID: "id", Secret: "secret", Token: "token"}.sign(r, sha256.Sum256(nil), "us-east-1", time.Now())
	if r.Header.Get("x-amz-security-token") != "token" || !strings.Contains(r.Header.Get("Authorization"), "x-amz-security-token,") {
		t.Errorf("%v", r.Header)
	}
}

func TestKeysAreReadFromFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) string {
		name := filepath.Join(dir, fmt.Sprint(len(text)))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	if keys, err := ReadKeys(file("AKID:se/cr+et:x\n")); err != nil || keys.ID != "AKID" || keys.Secret != "se/cr+et:x" {
		t.Errorf("got %q, %q, %v", keys.ID, keys.Secret, err)
	}
	for _, text := range []string{"", "hunter2", ":hunter2", "hunter2:", "hunter2:two\nlines", "hunter2 x:y", "hunter2:\x01"} {
		if keys, err := ReadKeys(file(text)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %q, %v", text, keys.ID, err)
		}
	}
	if _, err := ReadKeys("/nowhere/hunter2"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestKeysPrintAsNothing: no way of printing a configuration shows its keys.
func TestKeysPrintAsNothing(t *testing.T) {
	config := Config{Keys: Keys{ID: "AKID", Secret: "hunter2", Token: "hunter3"}}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(form, config); strings.Contains(text, "hunter") || strings.Contains(text, "AKID") {
			t.Errorf("%s: %s", form, text)
		}
	}
}
