package project

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestBuildsAreEqual builds a program in two folders with the Makefile's flags. `make
// reproduce` builds all programs twice, from nothing.
func TestBuildsAreEqual(t *testing.T) {
	goflags := regexp.MustCompile(`(?m)^export GOFLAGS := .* (-trimpath -buildvcs=false)\)$`).FindStringSubmatch(read(t, "Makefile"))
	if goflags == nil {
		t.Fatal("the Makefile does not export GOFLAGS as expected")
	}
	var programs [][]byte
	for _, name := range []string{"here", "elsewhere/and/deeper"} {
		dir := filepath.Join(t.TempDir(), name)
		for _, part := range []string{"go.mod", "go.sum", "cmd/pushboat-hook", "hooks"} {
			copyTree(t, part, filepath.Join(dir, part))
		}
		build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", "program", "./cmd/pushboat-hook")
		build.Dir = dir
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS="+goflags[1])
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build in %s: %v\n%s", dir, err, out)
		}
		program, err := os.ReadFile(filepath.Join(dir, "program"))
		if err != nil {
			t.Fatal(err)
		}
		programs = append(programs, program)
	}
	if !bytes.Equal(programs[0], programs[1]) {
		t.Error("the same code gives different programs in two folders")
	}
}

// TestStampsAreOfTheCommit: no program contains the time of the build.
func TestStampsAreOfTheCommit(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, name := range []string{"version", "commit", "date"} {
		if !strings.Contains(makefile, "-X main."+name+"=$("+strings.ToUpper(name)+")") {
			t.Errorf("the Makefile does not stamp main.%s", name)
		}
	}
	if regexp.MustCompile(`\bdate (-u|\+)`).MatchString(makefile) {
		t.Error("the Makefile uses the present time")
	}
}

// copyTree copies a file or a folder of the repository.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(root, from))
	if err == nil && info.IsDir() {
		err = os.CopyFS(to, os.DirFS(filepath.Join(root, from)))
	} else if err == nil {
		err = os.WriteFile(to, []byte(read(t, from)), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
