package hooks

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestInstall(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "hooks")
	if err := Install(dir); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		for _, name := range []string{PreReceive, PostReceive} {
			want, err := entryPoints.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s = %q, %v", name, got, err)
			}
			if info, err := os.Lstat(filepath.Join(dir, name)); err != nil || info.Mode() != 0o755 {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
			t.Errorf("the directory holds %v, %v", entries, err)
		}
	}
	check()
	before, err := os.Stat(filepath.Join(dir, PreReceive))
	if err != nil {
		t.Fatal(err)
	}
	if err := Install(dir); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(filepath.Join(dir, PreReceive)); err != nil || !os.SameFile(before, after) {
		t.Errorf("a hook that was right has been replaced: %v", err)
	}
	// Anything else there is replaced: other content, another mode, a link.
	outside := filepath.Join(t.TempDir(), "outside")
	for name, spoil := range map[string]func(path string) error{
		"content": func(path string) error { return os.WriteFile(path, []byte("#!/bin/sh\nexit 0\n"), 0o755) },
		"mode":    func(path string) error { return os.Chmod(path, 0o644) },
		"link": func(path string) error {
			return errors.Join(os.WriteFile(outside, []byte("x"), 0o755), os.Remove(path), os.Symlink(outside, path))
		},
	} {
		if err := spoil(filepath.Join(dir, PreReceive)); err != nil {
			t.Fatal(name, err)
		}
		if err := Install(dir); err != nil {
			t.Fatal(name, err)
		}
		check()
	}
	if got, err := os.ReadFile(outside); err != nil || string(got) != "x" {
		t.Errorf("the file behind the link: %q, %v", got, err)
	}
}

// Without the server's environment, both entry points refuse; with it, they run the
// hook program with their own name and git's standard input.
func TestEntryPoints(t *testing.T) {
	dir := t.TempDir()
	if err := Install(filepath.Join(dir, "hooks")); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "a program; with $(odd) name")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"ran $*\"\ncat\nexit 7\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, hook := range []string{PreReceive, PostReceive} {
		for name, env := range map[string][]string{
			"nothing":      nil,
			"no token":     {EnvHook + "=" + program},
			"no program":   {EnvToken + "=x"},
			"empty values": {EnvHook + "=", EnvToken + "="},
			"missing file": {EnvHook + "=" + dir + "/none", EnvToken + "=x"},
		} {
			cmd := exec.Command(filepath.Join(dir, "hooks", hook))
			cmd.Env = env
			out, err := cmd.CombinedOutput()
			if err == nil || len(out) == 0 {
				t.Errorf("%s with %s: %v, %q; want a refusal with a reason", hook, name, err, out)
			}
		}
		cmd := exec.Command(filepath.Join(dir, "hooks", hook))
		cmd.Env = []string{EnvHook + "=" + program, EnvToken + "=x", "PATH=/usr/bin:/bin"}
		cmd.Stdin = strings.NewReader("refs\n")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 7 || string(out) != "ran "+hook+"\nrefs\n" {
			t.Errorf("%s: %v, %q", hook, err, out)
		}
	}
}

func TestAnswer(t *testing.T) {
	var wire bytes.Buffer
	long := bytes.Repeat([]byte("x"), 3*maxFrameBytes+1)
	if err := errors.Join(WriteOutput(&wire, []byte("a\n")), WriteOutput(&wire, nil), WriteOutput(&wire, long), WriteVerdict(&wire, 3)); err != nil {
		t.Fatal(err)
	}
	whole := wire.Bytes()
	var out bytes.Buffer
	status, err := CopyAnswer(&out, bytes.NewReader(whole))
	if err != nil || status != 3 || out.String() != "a\n"+string(long) {
		t.Errorf("status %d, %v, %d bytes", status, err, out.Len())
	}
	// Cut anywhere, the answer has no verdict; output of a 0 is none either.
	for _, cut := range []int{0, 1, 4, 5, 6, 7, len(whole) - 6, len(whole) - 1} {
		if status, err := CopyAnswer(&out, bytes.NewReader(whole[:cut])); !errors.Is(err, ErrVanished) {
			t.Errorf("cut at %d: %d, %v; want ErrVanished", cut, status, err)
		}
	}
	for _, bad := range []string{"x\x00\x00\x00\x02\x00\x00", "x\x00\x00\x00\x00", "y\x00\x00\x00\x01\x00", "o\xff\xff\xff\xffxxxx"} {
		if status, err := CopyAnswer(&out, strings.NewReader(bad)); err == nil {
			t.Errorf("%q gave the verdict %d", bad, status)
		}
	}
	// A pusher who no longer listens does not change the verdict.
	if status, err := CopyAnswer(failing{}, bytes.NewReader(whole)); err != nil || status != 3 {
		t.Errorf("without a listener: %d, %v", status, err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("gone") }

func FuzzReadRequest(f *testing.F) {
	var seed bytes.Buffer
	if err := (Request{Token: "t", Hook: PreReceive, Options: []string{"a\nb"}, Refs: []string{"o n r"}}).Write(&seed); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add([]byte("token=x\x00hook=post-receive\x00ref=a b c\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ReadRequest(bytes.NewReader(data))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := r.Write(&again); err != nil {
			t.Fatalf("%+v was read but cannot be written: %v", r, err)
		}
		if back, err := ReadRequest(&again); err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%+v became %+v, %v", r, back, err)
		}
	})
}
