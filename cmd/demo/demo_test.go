package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestQuoteSurvivesAShell(t *testing.T) {
	for _, path := range []string{"/tmp/plain-1.x/a_b", "/tmp/with space", "/tmp/it's", "/tmp/$(id)", "/tmp/ü"} {
		out, err := exec.Command("sh", "-c", "printf %s "+quote(path)).Output()
		if err != nil || string(out) != path {
			t.Errorf("quote(%q) = %s, which a shell reads as %q (%v)", path, quote(path), out, err)
		}
	}
	if got := quote("/tmp/plain-1.x/a_b"); got != "/tmp/plain-1.x/a_b" {
		t.Errorf("a plain path is quoted: %s", got)
	}
}

func TestProgramsAreAwaitedAndStopped(t *testing.T) {
	d := demoWith(t, "serves", "#!/bin/sh\necho hello\necho ready\nexec sleep 60\n")
	if err := d.start(t.Context(), "serves"); err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(d.dir); !os.IsNotExist(err) {
		t.Errorf("the directory is still there: %v", err)
	}
}

func TestAProgramThatEndsEarlyIsAnErrorWithItsLog(t *testing.T) {
	d := demoWith(t, "breaks", "#!/bin/sh\necho no such thing >&2\nexit 3\n")
	err := d.start(t.Context(), "breaks")
	if err == nil || !strings.Contains(err.Error(), "breaks ended before it was ready: exit status 3") {
		t.Errorf("start = %v", err)
	}
	if tail := d.programs[0].tail(5); !strings.Contains(tail, "no such thing") {
		t.Errorf("the log is not shown: %s", tail)
	}
}

func TestReplaceInsistsOnOnePlace(t *testing.T) {
	d := demoWith(t, "unused", "")
	if err := os.Mkdir(d.path("shop"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := d.path("shop", "a.yaml")
	if err := os.WriteFile(file, []byte("one two two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := d.replace("a.yaml", "two", "three"); err == nil {
		t.Error("a text that stands in the file twice was replaced")
	}
	if err := d.replace("a.yaml", "one", "1"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(file); string(got) != "1 two two" {
		t.Errorf("the file holds %q", got)
	}
}

// demoWith is a demo with a shell script in place of one of its programs.
func demoWith(t *testing.T, name, script string) *demo {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := newDemo(io.Discard, bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(d.dir) })
	return d
}
