package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestChartsOfAFolder: pushboat plan reads only the section charts of a server's
// configuration, and the credentials that the section names.
func TestChartsOfAFolder(t *testing.T) {
	dir := t.TempDir()
	file, password := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "password")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	charts := FolderCharts{File: file, Dir: filepath.Join(dir, "kept")}
	write(file, "ssh: {address: ':2222'}\n")
	if store, err := charts.Open(); store != nil || err != nil {
		t.Errorf("without registries: %v, %v", store, err)
	}
	write(file, "data: nowhere\ncharts:\n  registries: ['https://charts.example.org']\n  credentials: {'https://charts.example.org': password}\n")
	if _, err := charts.Open(); err == nil || !strings.Contains(err.Error(), "the file for charts.example.org") {
		t.Errorf("without the file of credentials: %v", err)
	}
	write(password, "user:word\n")
	if store, err := charts.Open(); err != nil || store == nil || !store.Local() {
		t.Errorf("with it: %v, %v", store, err)
	}
	charts.Registries = []string{"https://user:word@other.example.org"}
	if _, err := charts.Open(); err == nil || strings.Contains(err.Error(), "word@") {
		t.Errorf("with credentials in an address: %v", err)
	}
}

// canary is a secret that stands in the wrong place of a configuration.
const canary = "hunter2-Xq9ZkT7w"

// TestCredentialsInTheWrongPlace: the configuration has the credentials themselves where
// the path of their file belongs, or has them in an address.
func TestCredentialsInTheWrongPlace(t *testing.T) {
	for _, text := range []string{
		"charts: {registries: ['https://r.example.org'], credentials: {'https://r.example.org': 'ana:" + canary + "'}}",
		"charts: {registries: ['https://ana:" + canary + "@r.example.org']}",
		"charts: {registries: ['https://ana:%zz" + canary + "@r.example.org']}",
		"charts: {registries: ['https://r.example.org/?token=" + canary + "']}",
		"charts: {registries: ['ana:" + canary + "@r.example.org']}",
	} {
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := FolderCharts{File: file, Dir: t.TempDir()}.Open()
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s:\n%v", text, err)
		}
	}
}

func TestKeysOfAFolderAreNotRepeated(t *testing.T) {
	for _, given := range []string{"AGE-SECRET-KEY-1" + canary, canary} {
		for _, keys := range []FolderKeys{{Age: []string{given}}, {SSH: []string{given}}, {PGP: []string{given}}} {
			if _, err := keys.Open(); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q: %v", given, err)
			}
		}
	}
}
