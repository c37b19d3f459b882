// Package dist tests the products of make dist: it runs a server from the deb of this
// machine's kind, with the configuration of the package, and pushes to it. make dist
// runs it; without PUSHBOAT_TEST_DIST there is nothing to test.
package dist

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/test/cluster"
	"github.com/pushboat/pushboat/test/server"
)

// made returns the folder with the products of make dist.
func made(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("PUSHBOAT_TEST_DIST")
	if dir == "" {
		t.Skip("PUSHBOAT_TEST_DIST is not set; make dist runs this test")
	}
	return dir
}

// one returns the only file that a pattern matches.
func one(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		t.Fatalf("%s matches %q, %v", pattern, files, err)
	}
	return files[0]
}

// TestServerRunsFromTheDeb: the programs of the package find each other, the server accepts
// the package's configuration, and a push deploys.
func TestServerRunsFromTheDeb(t *testing.T) {
	deb := one(t, filepath.Join(made(t), "*_"+runtime.GOARCH+".deb"))
	root := t.TempDir()
	unpack(t, deb, root)
	config := filepath.Join(root, "etc/pushboat/pushboat.yaml")
	run(t, filepath.Join(root, "usr/bin/pushboat"), "config", "check", "--no-files", config)

	ctx := context.WithoutCancel(t.Context())
	running, err := cluster.Start(ctx, t.TempDir(), cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
	dir, err := os.MkdirTemp("", "pb-dist-") //nolint:usetesting // sockets are in it: the path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	home := &server.Home{Dir: dir, Programs: filepath.Join(root, "usr/bin")}
	kubeconfig, err := os.ReadFile(running.Kubeconfig)
	if err := errors.Join(err, home.WriteClients(), os.WriteFile(home.Path("kubeconfig"), kubeconfig, 0o600)); err != nil {
		t.Fatal(err)
	}
	// The flags of the test replace data, keys and kubeconfig.
	if err := home.Start([]string{"--config", config}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { home.End(t) })
	deploy(t, home)
}

// deploy pushes a chart, so that the hook program and a renderer run.
func deploy(t *testing.T, home *server.Home) {
	t.Helper()
	clone := t.TempDir()
	for name, text := range map[string]string{
		"pushboat.yaml":          "apps: [{name: dist, path: chart, namespace: dist, createNamespace: true}]\n",
		"chart/Chart.yaml":       "apiVersion: v2\nname: dist\nversion: 1.0.0\n",
		"chart/values.yaml":      "text: of the chart\n",
		"chart/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: dist}\ndata: {text: '{{ .Values.text }}'}\n",
	} {
		file := filepath.Join(clone, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o777), os.WriteFile(file, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"commit", "-qm", "A chart"}, {"push", "pushboat:dist", "main"}} {
		git := exec.Command("git", args...)
		git.Dir = clone
		git.Env = append(server.Identity(), "PATH="+os.Getenv("PATH"), "HOME="+clone, "GIT_SSH_COMMAND=ssh -F "+home.Path("ssh", "ana"))
		out, err := git.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", git, err, out)
		}
		if args[0] == "push" && !strings.Contains(string(out), "dist: deployed") {
			t.Errorf("the push printed\n%s", out)
		}
	}
}

// TestPackagesHaveTheirFiles checks the packages for each architecture.
func TestPackagesHaveTheirFiles(t *testing.T) {
	dir := made(t)
	for _, arch := range []string{"amd64", "arm64"} {
		root := t.TempDir()
		unpack(t, one(t, filepath.Join(dir, "*_"+arch+".deb")), root)
		for _, name := range []string{
			"usr/bin/pushboat", "usr/bin/pushboat-hook", "usr/bin/pushboat-sops", "etc/pushboat/pushboat.yaml", "etc/pushboat/keys",
			"usr/lib/systemd/system/pushboat.service", "usr/lib/sysusers.d/pushboat.conf", "usr/share/man/man1/pushboat-serve.1.gz",
			"usr/share/bash-completion/completions/pushboat", "usr/share/doc/pushboat/pushboat.yaml", "usr/share/doc/pushboat/copyright",
		} {
			if info, err := os.Stat(filepath.Join(root, name)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %s: %v", arch, name, err)
			}
		}
		text, err := os.ReadFile(filepath.Join(root, "usr/share/doc/pushboat/sbom.cdx.json"))
		var bill struct{ Components []struct{ Name string } }
		if err := errors.Join(err, json.Unmarshal(text, &bill)); err != nil || len(bill.Components) < 100 {
			t.Errorf("%s: the bill of materials has %d components, %v", arch, len(bill.Components), err)
		}
		rpm := one(t, filepath.Join(dir, "*."+map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[arch]+".rpm"))
		if lead, err := os.ReadFile(rpm); err != nil || !bytes.HasPrefix(lead, []byte{0xed, 0xab, 0xee, 0xdb}) {
			t.Errorf("%s is not an rpm: %v", rpm, err)
		}
		one(t, filepath.Join(dir, "*_linux_"+arch+".tar.gz"))
	}
}

// TestProgramsAreStatic: the programs need no shared library.
func TestProgramsAreStatic(t *testing.T) {
	for _, name := range []string{"pushboat", "pushboat-hook", "pushboat-sops"} {
		for _, arch := range []string{"amd64", "arm64"} {
			file := filepath.Join(made(t), "linux-"+arch, name)
			if needs := libraries(t, file); len(needs) > 0 {
				t.Errorf("%s needs %q", file, needs)
			}
		}
	}
}

// TestDebIsOneToDpkg checks the package with dpkg-deb, if this machine has it.
func TestDebIsOneToDpkg(t *testing.T) {
	deb := one(t, filepath.Join(made(t), "*_"+runtime.GOARCH+".deb"))
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("this machine has no dpkg-deb")
	}
	info := run(t, "dpkg-deb", "--info", deb)
	for _, want := range []string{"Package: pushboat", "Depends: git (>= 1:2.39), ca-certificates", "Architecture: " + runtime.GOARCH} {
		if !strings.Contains(info, want) {
			t.Errorf("dpkg-deb --info does not show %q:\n%s", want, info)
		}
	}
	if conffiles := run(t, "dpkg-deb", "--info", deb, "conffiles"); conffiles != "/etc/pushboat/keys\n/etc/pushboat/pushboat.yaml\n" {
		t.Errorf("the configuration files, which an upgrade keeps, are %q", conffiles)
	}
	run(t, "dpkg-deb", "--extract", deb, t.TempDir())
}

// TestDpkgInstallsTheDeb installs the package into a folder. The installation makes the
// user and prints the next steps; the removal keeps the configuration.
func TestDpkgInstallsTheDeb(t *testing.T) {
	deb := one(t, filepath.Join(made(t), "*_"+runtime.GOARCH+".deb"))
	for _, program := range []string{"dpkg", "systemd-sysusers"} {
		if _, err := exec.LookPath(program); err != nil || os.Getuid() != 0 {
			t.Skip("this test needs root, dpkg and systemd-sysusers")
		}
	}
	root := t.TempDir()
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"status", "available"} {
		if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg", file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	options := []string{"--root=" + root, "--log=" + os.DevNull, "--force-script-chrootless", "--force-depends"}
	said := run(t, "dpkg", append(options, "--install", deb)...)
	for _, want := range []string{">>/etc/pushboat/keys", "systemctl enable --now pushboat"} {
		if !strings.Contains(said, want) {
			t.Errorf("the installation does not print %q:\n%s", want, said)
		}
	}
	if users, err := os.ReadFile(filepath.Join(root, "etc/passwd")); err != nil || !strings.Contains(string(users), "pushboat:x:") {
		t.Errorf("the users are %q, %v", users, err)
	}
	run(t, "dpkg", append(options, "--remove", "pushboat")...)
	if _, err := os.Stat(filepath.Join(root, "etc/pushboat/keys")); err != nil {
		t.Errorf("the removal has deleted the keys: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "usr/bin/pushboat")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the removal has left the program: %v", err)
	}
}

func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// unpack unpacks the files of a deb, as dpkg-deb --extract does: a deb is an archive of ar,
// and data.tar.gz in it has the files.
func unpack(t *testing.T, deb, root string) {
	t.Helper()
	file, err := os.Open(deb)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := bufio.NewReader(file)
	if magic, err := archive.ReadString('\n'); err != nil || magic != "!<arch>\n" {
		t.Fatalf("%s begins with %q, %v", deb, magic, err)
	}
	for {
		head := make([]byte, 60)
		if _, err := io.ReadFull(archive, head); err != nil {
			t.Fatalf("%s has no data.tar.gz: %v", deb, err)
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(head[48:58])), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(head), "data.tar.gz") {
			if err := untar(io.LimitReader(archive, size), root); err != nil {
				t.Fatalf("unpack %s: %v", deb, err)
			}
			return
		}
		if _, err := archive.Discard(int(size + size%2)); err != nil {
			t.Fatal(err)
		}
	}
}

func untar(packed io.Reader, dir string) error {
	plain, err := gzip.NewReader(packed)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for files := tar.NewReader(plain); ; {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.Clean(strings.TrimPrefix(head.Name, "/"))
		if head.Typeflag != tar.TypeReg {
			continue
		}
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		out, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, head.FileInfo().Mode())
		if err != nil {
			return err
		}
		_, err = io.Copy(out, files)
		if err := errors.Join(err, out.Close()); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
}
