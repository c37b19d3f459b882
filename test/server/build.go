package server

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// root is the top folder of the repository, relative to the tests that use this package.
const root = "../.."

// raceEnv is a variable: "all" builds the server of every test with the race detector,
// "none" that of no test.
const raceEnv = "PUSHBOAT_TEST_RACE"

// Build builds the server, its hook program and the programs that tests run besides them.
// It returns their folder, which belongs to this run. The tests must be in a folder of
// test/. The race detector doubles what a server costs, so that tests that mostly do one
// thing after another do without.
func Build(t *testing.T) string {
	t.Helper()
	return buildAll(t, os.Getenv(raceEnv) == "all" && compilesC(t))
}

// BuildWithRaceDetector is Build for tests that make many things happen at once. The race
// detector needs a C compiler.
func BuildWithRaceDetector(t *testing.T) string {
	t.Helper()
	return buildAll(t, os.Getenv(raceEnv) != "none" && compilesC(t))
}

func buildAll(t *testing.T, race bool) string {
	t.Helper()
	start := time.Now()
	kept := filepath.Join(root, "bin", "test")
	if race {
		kept = filepath.Join(root, "bin", "test-race")
	}
	if err := os.MkdirAll(kept, 0o777); err != nil {
		t.Fatal(err)
	}
	unlock := lock(t, filepath.Join(kept, "lock"))
	defer unlock()
	build(t, race, ".", kept, "./cmd/pushboat", "./cmd/pushboat-hook")
	build(t, false, ".", kept, "./test/script/foreground")
	build(t, false, "cmd/pushboat-sops", kept, "-tags=disable_grpc_modules", ".")
	dir := t.TempDir()
	for _, name := range []string{"pushboat", "pushboat-hook", "pushboat-sops", "foreground"} {
		copyProgram(t, filepath.Join(kept, name), filepath.Join(dir, name))
	}
	if race {
		hurryHook(t, dir)
	}
	t.Logf("built the server in %.1f s", time.Since(start).Seconds())
	return dir
}

// hurryHook keeps the race detector from making the hook program sleep for a second each
// time it ends. The variable for this must be set for each hook, because the server gives
// hooks an environment of their own.
func hurryHook(t *testing.T, dir string) {
	t.Helper()
	hook := filepath.Join(dir, "pushboat-hook")
	program := hook + ".race"
	if err := os.Rename(hook, program); err != nil {
		t.Fatal(err)
	}
	text := "#!/bin/sh\nGORACE=atexit_sleep_ms=0 exec '" + program + "' \"$@\"\n"
	if err := os.WriteFile(hook, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// build runs go build in the folder of a module, with the Makefile's flags, so that nothing
// is compiled twice; what is packages, and further flags before them.
func build(t *testing.T, race bool, module, dir string, what ...string) {
	t.Helper()
	abs, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"build", "-trimpath", "-buildvcs=false", "-o", abs + "/"}
	cgo := "CGO_ENABLED=0"
	if race {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	cmd := exec.Command("go", append(args, what...)...)
	cmd.Dir = filepath.Join(root, module)
	cmd.Env = append(os.Environ(), "GOFLAGS=", cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// compilesC reports whether there is a C compiler that works. It tries the compiler to
// know.
func compilesC(t *testing.T) bool {
	t.Helper()
	cc, err := exec.Command("go", "env", "CC").Output()
	if err != nil {
		t.Fatalf("go env CC: %v", err)
	}
	try := exec.Command(strings.TrimSpace(string(cc)), "-x", "c", "-o", os.DevNull, "-")
	try.Stdin = strings.NewReader("#include <stdlib.h>\nint main(void) { return 0; }\n")
	if out, err := try.CombinedOutput(); err != nil {
		t.Logf("no C compiler works here (%v %s): the server has no race detector", err, out)
		return false
	}
	return true
}

// lock keeps other test runs from building into the same folder.
func lock(t *testing.T, path string) (unlock func()) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(fmt.Errorf("lock %s: %w", path, err))
	}
	return func() { _ = file.Close() } // this releases the lock
}

// copyProgram gives this run a copy of a program, which no other build replaces.
func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	if os.Link(from, to) == nil {
		return
	}
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(err)
	}
}
