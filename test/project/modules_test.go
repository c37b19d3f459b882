package project

import (
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the output of `go mod edit -json` for a go.mod.
type module struct {
	Go      string
	Require []version
	Replace []struct{ Old, New version }
}

type version struct{ Path, Version string }

// TestModulesAgree compares the versions of Kubernetes in the server's module and in
// devcluster's. They are built with one cache: if a version differs, the build takes
// minutes longer, and the server is tested against libraries that it does not use. Other
// modules may differ: to compile an API server with the newer tracing that fetching charts
// needs would cost more than it saves.
func TestModulesAgree(t *testing.T) {
	server, cluster := readModule(t, "go.mod"), readModule(t, "cmd/devcluster/go.mod")
	if server.Go != cluster.Go {
		t.Errorf("go.mod says go %s, cmd/devcluster/go.mod says go %s", server.Go, cluster.Go)
	}
	here, there := server.versions(), cluster.versions()
	for _, path := range slices.Sorted(maps.Keys(here)) {
		if v, shared := there[path]; shared && v != here[path] && strings.Contains(path, "k8s.io/") {
			t.Errorf("%s is %s in go.mod and %s in cmd/devcluster/go.mod", path, here[path], v)
		}
	}
	for _, path := range []string{"k8s.io/client-go", "k8s.io/apimachinery", "golang.org/x/net"} {
		if here[path] == "" || there[path] == "" {
			t.Errorf("%s is not required by both modules: this test compares nothing", path)
		}
	}
}

// TestLinterStaysOut checks that the linter is not among Pushboat's own dependencies.
func TestLinterStaysOut(t *testing.T) {
	if strings.Contains(read(t, "go.mod"), "golangci") {
		t.Error("go.mod names golangci-lint; it belongs in .ci/lint.mod")
	}
	if _, there := readModule(t, ".ci/lint.mod").versions()["github.com/golangci/golangci-lint/v2"]; !there {
		t.Error(".ci/lint.mod does not name golangci-lint")
	}
}

// TestPackagerStaysOut checks the same for the packager.
func TestPackagerStaysOut(t *testing.T) {
	if strings.Contains(read(t, "go.mod"), "nfpm") {
		t.Error("go.mod names nfpm; it belongs in .ci/dist.mod")
	}
	if _, there := readModule(t, ".ci/dist.mod").versions()["github.com/goreleaser/nfpm/v2"]; !there {
		t.Error(".ci/dist.mod does not name nfpm")
	}
}

// versions are the required versions after replacement. A module of Kubernetes that is
// replaced by another version of itself counts with that version.
func (m module) versions() map[string]string {
	versions := map[string]string{}
	for _, r := range m.Require {
		versions[r.Path] = r.Version
	}
	for _, r := range m.Replace {
		if _, required := versions[r.Old.Path]; required {
			versions[r.Old.Path] = r.New.Version
		}
	}
	return versions
}

func readModule(t *testing.T, name string) module {
	t.Helper()
	out, err := exec.Command("go", "mod", "edit", "-json", filepath.Join(root, name)).Output()
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	var m module
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return m
}
