package project

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/settings"
)

// content is a file of the packages.
type content struct{ Src, Dst, Type string }

// contents returns the files of the packages from nfpm's configuration.
func contents(t *testing.T) []content {
	t.Helper()
	var packages struct{ Contents []content }
	if err := yaml.Unmarshal([]byte(read(t, "config/package/nfpm.yaml")), &packages); err != nil {
		t.Fatal(err)
	}
	if len(packages.Contents) < 10 {
		t.Fatalf("the packages have %d files: the tests compare too little", len(packages.Contents))
	}
	return packages.Contents
}

// TestPackagesAreMadeOfWhatExists: every file of the packages is in the repository, or a
// product of .ci/dist.
func TestPackagesAreMadeOfWhatExists(t *testing.T) {
	for _, file := range contents(t) {
		if !strings.HasPrefix(file.Src, "bin/dist/") && !exists(file.Src) {
			t.Errorf("%s has the source %s, which does not exist", file.Dst, file.Src)
		}
	}
}

// unit returns the values of a key in the unit, one for each line that has the key.
func unit(t *testing.T, key string) []string {
	t.Helper()
	var values []string
	for line := range strings.Lines(read(t, "config/package/pushboat.service")) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found && name == key {
			values = append(values, value)
		}
	}
	return values
}

// only returns the only value of a key in the unit.
func only(t *testing.T, key string) string {
	t.Helper()
	values := unit(t, key)
	if len(values) != 1 {
		t.Fatalf("the unit has %q for %s", values, key)
	}
	return values[0]
}

// TestUnitFitsThePackage: the package installs the program that the unit starts, and the
// unit has the package's configuration, user and data folder.
func TestUnitFitsThePackage(t *testing.T) {
	var installed []string
	for _, file := range contents(t) {
		installed = append(installed, file.Dst)
	}
	for word := range strings.FieldsSeq(only(t, "ExecStart")) {
		if strings.HasPrefix(word, "/") && !slices.Contains(installed, word) {
			t.Errorf("the unit names %s, which is missing from the packages", word)
		}
	}
	if user := only(t, "User"); !strings.Contains(read(t, "config/package/pushboat.sysusers"), "\nu "+user+" ") {
		t.Errorf("pushboat.sysusers does not make the user %s", user)
	}
	config, err := settings.Sources{File: filepath.Join(root, "config/package/pushboat.yaml")}.Read()
	if err != nil {
		t.Fatal(err)
	}
	if want := "/var/lib/" + only(t, "StateDirectory"); config.Data != want {
		t.Errorf("the data is in %s, and the unit lets the server write to %s", config.Data, want)
	}
	if !slices.Contains(installed, config.Keys.File) {
		t.Errorf("the key file %s is missing from the packages", config.Keys.File)
	}
}

// TestUnitLetsRenderersBeConfined: the unit allows the namespaces with which renderers are
// started, and the system call with which they give up others.
func TestUnitLetsRenderersBeConfined(t *testing.T) {
	allowed := strings.Fields(only(t, "RestrictNamespaces"))
	asked := regexp.MustCompile(`CLONE_NEW([A-Z]+)`).FindAllStringSubmatch(read(t, "internal/render/worker/process_linux.go"), -1)
	if len(asked) == 0 {
		t.Fatal("renderers are started with no namespaces: this test compares nothing")
	}
	for _, namespace := range asked {
		if !slices.Contains(allowed, strings.ToLower(namespace[1])) {
			t.Errorf("renderers have a namespace %s of their own, and the unit allows %q", namespace[0], allowed)
		}
	}
	if calls := strings.Fields(only(t, "SystemCallFilter")); !slices.Contains(calls, "seccomp") {
		t.Errorf("renderers call seccomp(2), and the unit allows %q", calls)
	}
}

// TestUnitIsHardened checks settings of the unit, and lets systemd itself rate the exposure
// of the service.
func TestUnitIsHardened(t *testing.T) {
	for key, want := range map[string]string{
		"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes",
		"CapabilityBoundingSet": "", "MemoryDenyWriteExecute": "yes", "SystemCallArchitectures": "native",
	} {
		if got := only(t, key); got != want {
			t.Errorf("%s=%s, want %s", key, got, want)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("this machine has no systemd-analyze")
	}
	out, err := exec.Command(analyze, "security", "--offline=yes", "--threshold=25", filepath.Join(root, "config/package/pushboat.service")).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}

// TestVersionsOfPackages checks that package managers sort the versions correctly.
func TestVersionsOfPackages(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3":               "1.2.3",
		"v1.2.3-4-gabc12":      "1.2.3+4.gabc12",
		"v1.2.3-dirty":         "1.2.3+dirty",
		"v1.0.0-rc.1":          "1.0.0~rc.1",
		"v1.0.0-rc.1-2-gabc12": "1.0.0~rc.1+2.gabc12",
		"21ec4c5":              "0.0.0+2026.11.28.21ec4c5",
	} {
		dist := exec.Command(filepath.Join(root, ".ci/dist"), "version")
		dist.Env = append(os.Environ(), "VERSION="+version, "DATE=2026-11-28T12:00:00Z")
		out, err := dist.CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s: got %q, %v, want %s", version, out, err, want)
		}
	}
}
