package kube

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeKubeconfig writes a kubeconfig with two contexts, one of which is current.
func writeKubeconfig(t *testing.T, path, current string) {
	t.Helper()
	text := fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: %s
clusters:
  - {name: one, cluster: {server: "https://127.0.0.1:1"}}
  - {name: two, cluster: {server: "https://127.0.0.1:2"}}
contexts:
  - {name: one, context: {cluster: one}}
  - {name: two, context: {cluster: two}}
`, current)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKubeconfigOfAServer(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "not-for-servers"))
	if _, err := (Kubeconfig{}).Load(); err == nil || !strings.Contains(err.Error(), "--kubeconfig") {
		t.Errorf("outside of a cluster: %v", err)
	}
	missing := filepath.Join(t.TempDir(), "kubeconfig")
	if _, err := (Kubeconfig{File: missing}).Load(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(broken, []byte("clusters: 7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Kubeconfig{File: broken}).Load(); err == nil || !strings.Contains(err.Error(), broken) {
		t.Errorf("a broken file: %v", err)
	}
}

func TestKubeconfigOfAPerson(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	t.Setenv("KUBECONFIG", filepath.Join(home, "none"))
	if _, err := (Kubeconfig{Personal: true}).Load(); err == nil || !strings.Contains(err.Error(), "--kubeconfig FILE") {
		t.Errorf("without any file: %v", err)
	}
	first, second := filepath.Join(home, "first"), filepath.Join(home, "second")
	writeKubeconfig(t, first, "one")
	writeKubeconfig(t, second, "two")
	t.Setenv("KUBECONFIG", first+string(os.PathListSeparator)+second)
	for _, test := range []struct {
		name   string
		config Kubeconfig
		host   string
	}{
		{"the first of $KUBECONFIG", Kubeconfig{Personal: true}, "https://127.0.0.1:1"},
		{"a context of it", Kubeconfig{Personal: true, Context: "two"}, "https://127.0.0.1:2"},
		{"the file that is given", Kubeconfig{Personal: true, File: second}, "https://127.0.0.1:2"},
	} {
		cfg, err := test.config.Load()
		if err != nil || cfg.Host != test.host {
			t.Errorf("%s: %+v, %v; want %s", test.name, cfg, err, test.host)
		}
	}
	if _, err := (Kubeconfig{Personal: true, Context: "three"}).Load(); err == nil || !strings.Contains(err.Error(), "three") {
		t.Errorf("an unknown context: %v", err)
	}
}
