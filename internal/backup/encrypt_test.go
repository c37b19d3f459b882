package backup

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

func TestEncryptedBackup(t *testing.T) {
	w := newWorld(t)
	mine, err1 := age.GenerateX25519Identity()
	other, err2 := age.GenerateX25519Identity()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	ssh := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ssh).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(ssh + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	recipients, err := ParseRecipients([]string{mine.Recipient().String(), string(public)})
	if err != nil {
		t.Fatal(err)
	}
	archive, _ := w.back(Request{Recipients: recipients})
	text, err := os.ReadFile(archive)
	if err != nil || bytes.Contains(text, []byte("server.id")) || bytes.Contains(text, []byte("private key")) {
		t.Errorf("the archive is not encrypted: %v", err)
	}
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "identity")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	plain, _ := w.back(Request{})
	if keys, err := ReadKeys([]string{ssh}); err != nil {
		t.Error(err)
	} else if _, err := Verify(t.Context(), Files(plain), keys); err == nil || !strings.Contains(err.Error(), "it is not encrypted") {
		t.Errorf("an unencrypted archive, which anybody may have written, read with a key: %v", err)
	}
	for name, test := range map[string]struct {
		files []string
		want  string // a part of the error; "" for none
	}{
		"with age's key":         {[]string{file("# mine\n" + mine.String() + "\n")}, ""},
		"with that of SSH":       {[]string{ssh}, ""},
		"with one of several":    {[]string{file(other.String()), ssh}, ""},
		"without":                {nil, "--identity FILE"},
		"with another":           {[]string{file(other.String())}, "decrypt"},
		"with what is no key":    {[]string{file("AGE-SECRET-KEY-1SECRET")}, "holds no private key"},
		"with one that is not":   {[]string{"absent"}, "absent"},
		"with a public one":      {[]string{ssh + ".pub"}, "holds no private key"},
		"with a damaged SSH key": {[]string{file("-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\n")}, "holds no private key"},
	} {
		keys, err := ReadKeys(test.files)
		if err == nil {
			_, err = Verify(t.Context(), Files(archive), keys)
		}
		if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "SECRET")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, wrong := range []string{"", "age1nothing", "ssh-ed25519 nothing", mine.String(), strings.ToLower(mine.String()), "-----BEGIN " + mine.String()} {
		if _, err := ParseRecipients([]string{wrong}); err == nil || strings.Contains(strings.ToUpper(err.Error()), mine.String()) {
			t.Errorf("recipient %q: %v", wrong, err)
		}
	}
}
