package server

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestServerSecretIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mask.key")
	first, err := serverSecret(path)
	if err != nil || len(first) != secretBytes {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	if again, err := serverSecret(path); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second call returned another secret: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("files left behind: %v", left)
	}
}

// TestADamagedServerSecretIsNotReplaced: a new secret in place of a damaged one would make
// all sealed data unreadable.
func TestADamagedServerSecretIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mask.key")
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := serverSecret(path); err == nil || !strings.Contains(err.Error(), "restore it") {
		t.Error(err)
	}
	if data, _ := os.ReadFile(path); string(data) != "short" {
		t.Errorf("the damaged secret was overwritten: %q", data)
	}
}

func TestServerIDIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.id")
	first, err := serverID(path)
	if err != nil || !idForm.MatchString(first) {
		t.Fatalf("%q, %v", first, err)
	}
	if again, err := serverID(path); err != nil || again != first {
		t.Errorf("%q the second time, %v", again, err)
	}
	for _, damaged := range []string{"", "short", first + "0", strings.ToUpper(first)[:31] + "X"} {
		if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if id, err := serverID(path); err == nil {
			t.Errorf("%q is taken for an id: %q", damaged, id)
		}
	}
}

// TestFilesAreWrittenOnce: if two servers begin on one new directory, the slower one uses
// the file of the faster one.
func TestFilesAreWrittenOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.id")
	for _, text := range []string{"first", "second"} {
		got, err := writeOnce(path, []byte(text))
		if err != nil || string(got) != "first" {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("files left behind: %v", left)
	}
}
