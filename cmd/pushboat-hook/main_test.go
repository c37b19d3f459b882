package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/hooks"
)

const refLine = "1111111111111111111111111111111111111111 2222222222222222222222222222222222222222 refs/heads/main\n"

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"update"}, {"--help"}, {hooks.PreReceive, "x"}} {
		var out bytes.Buffer
		if status := run(args, env(nil), strings.NewReader(refLine), &out); status != 1 || !strings.Contains(out.String(), "usage: pushboat-hook pre-receive|post-receive") {
			t.Errorf("run(%q) = %d, %q", args, status, out.String())
		}
	}
}

// TestServerMisbehaves: the hook fails if the server sends nothing, or anything but a
// verdict.
func TestServerMisbehaves(t *testing.T) {
	dir, err := os.MkdirTemp("", "hook-") //nolint:usetesting // t.TempDir is too long for sun_path
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for name, answer := range map[string]string{
		"vanishes":               "",
		"vanishes after output":  "o\x00\x00\x00\x02a\n",
		"vanishes in a frame":    "o\x00\x00\x00\x09a",
		"output that looks like": "o\x00\x00\x00\x01\x00",
		"speaks another tongue":  "HTTP/1.1 200 OK\r\n\r\n",
	} {
		for hook, want := range map[string]string{
			hooks.PreReceive:  "hint: nothing was changed",
			hooks.PostReceive: "hint: the commit was kept",
		} {
			socket := filepath.Join(dir, "s")
			listener, err := net.Listen("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() {
				conn, err := listener.Accept()
				if err != nil {
					served <- err
					return
				}
				defer conn.Close()
				if _, err := hooks.ReadRequest(conn); err != nil {
					served <- err
					return
				}
				_, err = io.WriteString(conn, answer)
				served <- err
			}()
			var out bytes.Buffer
			status := run([]string{hook}, env(map[string]string{hooks.EnvSocket: socket, hooks.EnvToken: "t"}), strings.NewReader(refLine), &out)
			if err := <-served; err != nil {
				t.Error(err)
			}
			if status != 1 || !strings.Contains(out.String(), "error: pushboat: ") || !strings.Contains(out.String(), want) {
				t.Errorf("%s: %s: %d, %q", name, hook, status, out.String())
			}
			if err := listener.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestStandardLibraryOnly: the hook starts twice in every push, so it has to stay small.
func TestStandardLibraryOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if path != "github.com/pushboat/pushboat/hooks" && path != "github.com/pushboat/pushboat/cmd/pushboat-hook" {
			t.Errorf("pushboat-hook links %s", path)
		}
	}
}
