package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// prepared makes the files of a cluster in dir that listens on address.
func prepared(t *testing.T, dir, address string) *state {
	t.Helper()
	s := &state{dir: dir}
	if err := s.prepare(address); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPrepareKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	first := read(t, prepared(t, dir, "127.0.0.1:1001").path(kubeconfigFile))
	again := prepared(t, dir, "127.0.0.1:1001")
	if !bytes.Equal(read(t, again.path(kubeconfigFile)), first) {
		t.Error("a second start made another kubeconfig")
	}
	if port := again.lastPort(); port != 1001 {
		t.Errorf("last port %d, want 1001", port)
	}
	if port := prepared(t, dir, "127.0.0.1:1002").lastPort(); port != 1002 {
		t.Errorf("last port %d after a start on 1002", port)
	}
}

func TestPrepareIsPrivate(t *testing.T) {
	dir := t.TempDir()
	prepared(t, dir, "127.0.0.1:1001")
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s, want nothing for others", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPrepareAfterTheAuthorityIsGone(t *testing.T) {
	dir := t.TempDir()
	s := prepared(t, dir, "127.0.0.1:1001")
	for _, name := range []string{"ca.crt", "ca.key"} {
		if err := os.Remove(s.path(pkiDir, name)); err != nil {
			t.Fatal(err)
		}
	}
	prepared(t, dir, "127.0.0.1:1001")
	ca, err := s.readPair("ca")
	if err != nil {
		t.Fatal(err)
	}
	server, err := s.readPair("apiserver")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.cert.CheckSignatureFrom(ca.cert); err != nil {
		t.Errorf("API server's certificate: %v", err)
	}
	config, err := clientcmd.LoadFromFile(s.path(kubeconfigFile))
	if err != nil {
		t.Fatal(err)
	}
	if !ca.certified(config.AuthInfos[clusterName]) {
		t.Error("the kubeconfig's certificate is signed by the old authority")
	}
}

func TestPrepareWithABrokenKey(t *testing.T) {
	s := prepared(t, t.TempDir(), "127.0.0.1:1001")
	if err := os.WriteFile(s.path(pkiDir, "ca.key"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := s.prepare("127.0.0.1:1001")
	if err == nil || !strings.Contains(err.Error(), "remove "+s.path(pkiDir, "ca.crt")) {
		t.Errorf("error %v, want one that says what to remove", err)
	}
}

func TestLastPortOfNothing(t *testing.T) {
	if port := (&state{dir: t.TempDir()}).lastPort(); port != 0 {
		t.Errorf("last port %d of an empty directory, want 0", port)
	}
}

func TestTakeLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), lockFile)
	lock, err := takeLock(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = takeLock(path)
	if want := "process " + strconv.Itoa(os.Getpid()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("second lock: error %v, want one with %q", err, want)
	}
	lock.Close()
	if lock, err = takeLock(path); err != nil {
		t.Fatalf("lock given back, but: %v", err)
	}
	lock.Close()
}

func TestListen(t *testing.T) {
	first, err := listen(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if ip := first.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		t.Errorf("listens on %s, want loopback", ip)
	}
	port := first.Addr().(*net.TCPAddr).Port
	if _, err := listen(port, 0); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("error %v for a port in use", err)
	}
	other, err := listen(0, port)
	if err != nil {
		t.Fatalf("the last port is in use and any other one is allowed, but: %v", err)
	}
	other.Close()
	first.Close()
	again, err := listen(0, port)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := again.Addr().(*net.TCPAddr).Port; got != port {
		t.Errorf("port %d, want the last one, %d, which is free", got, port)
	}
}

func TestParse(t *testing.T) {
	opts, err := parse([]string{"--dir", "x", "--audit-log", "audit.log"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !filepath.IsAbs(opts.dir) || !filepath.IsAbs(opts.auditLog) {
		t.Errorf("relative paths in %+v; the process changes its directory", opts)
	}
	if opts.parent != os.Getppid() {
		t.Errorf("ends with process %d, want the parent, %d", opts.parent, os.Getppid())
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "--dir is missing"},
		{[]string{"--dir", "x", "y"}, `unexpected argument "y"`},
		{[]string{"--dir", "x", "--port", "65536"}, "--port 65536 is not a port"},
		{[]string{"--dir", "x", "--port", "-1"}, "--port -1 is not a port"},
	} {
		if _, err := parse(test.args, io.Discard); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("parse %q: error %v, want %q", test.args, err, test.want)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
