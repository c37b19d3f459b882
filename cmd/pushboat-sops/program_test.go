package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// keyFiles opens a keyring of files in testdata/keys, whose names show the kinds of their
// keys.
func keyFiles(t *testing.T, names ...string) *keyring {
	t.Helper()
	var sshKeys, ageKeys, pgpKeys []string
	for _, name := range names {
		file := filepath.Join("testdata", "keys", name)
		switch kind, _, _ := strings.Cut(name, "-"); kind {
		case "ssh":
			sshKeys = append(sshKeys, file)
		case "pgp":
			pgpKeys = append(pgpKeys, file)
		default:
			ageKeys = append(ageKeys, file)
		}
	}
	k, err := openKeyring(sshKeys, ageKeys, pgpKeys, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestFilesOfTheProgram: a file that sops itself has written, for each kind of key and in
// each format, can be opened with that key and with no other.
func TestFilesOfTheProgram(t *testing.T) {
	all := []string{"age", "pgp-curve", "pgp-rsa", "ssh-ed25519", "ssh-rsa"}
	for _, c := range []struct {
		file, plain, format string
		keys                []string
	}{
		{"age.yaml", "plain.yaml", "yaml", []string{"age"}},
		{"pgp-curve.yaml", "plain.yaml", "yaml", []string{"pgp-curve"}},
		{"pgp-rsa.yaml", "plain.yaml", "yaml", []string{"pgp-rsa"}},
		{"ssh-ed25519.yaml", "plain.yaml", "yaml", []string{"ssh-ed25519"}},
		{"ssh-rsa.yaml", "plain.yaml", "yaml", []string{"ssh-rsa"}},
		{"groups.yaml", "plain.yaml", "yaml", []string{"pgp-curve", "age"}},
		{"encrypted.json", "plain.json", "json", []string{"age"}},
		{"encrypted.env", "plain.env", "dotenv", []string{"age"}},
		{"encrypted.ini", "plain.ini", "ini", []string{"age"}},
		{"encrypted.bin", "plain.bin", "binary", []string{"age"}},
	} {
		sealed, want := read(t, c.file), string(read(t, c.plain))
		got := keyFiles(t, c.keys...).open(request{Format: c.format, Data: sealed})
		if c.format == "json" || c.format == "ini" { // sops writes these with other spaces
			got.Plain, want = []byte(strings.Join(strings.Fields(string(got.Plain)), "")), strings.Join(strings.Fields(want), "")
		}
		if string(got.Plain) != want || got.Failure != "" {
			t.Errorf("%s: got %q, failure %q %s, want %q", c.file, got.Plain, got.Failure, got.Detail, want)
		}
		var others []string
		for _, name := range all {
			if name != c.keys[0] {
				others = append(others, name)
			}
		}
		if got := keyFiles(t, others...).open(request{Format: c.format, Data: sealed}); got.Failure != noKey || len(got.Plain) > 0 {
			t.Errorf("%s: with other keys failure %q and %d bytes", c.file, got.Failure, len(got.Plain))
		}
	}
}
