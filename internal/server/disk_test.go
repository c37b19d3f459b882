package server

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"github.com/pushboat/pushboat/internal/settings"
)

func TestLeaveAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ssh.addr")
	if err := writeAddress(path, "127.0.0.1:22"); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "127.0.0.1:22\n" {
		t.Errorf("left %q, %v", text, err)
	}
	// After a failed write, no address of an earlier server is left.
	if err := os.Symlink("/dev/full", path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := writeAddress(path, "127.0.0.1:23"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("on a full disk: %v", err)
	}
	for _, stale := range []string{path, path + ".new"} {
		if _, err := os.Lstat(stale); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", stale, err)
		}
	}
}

// TestTryDisk: the log reports once that the disk is full, and once that it has space
// again. Broken hooks count like a full disk.
func TestTryDisk(t *testing.T) {
	logger, heard := test.NewNullLogger()
	s := &server{config: settings.Config{Data: t.TempDir()}, log: logrus.NewEntry(logger)}
	if err := s.takeDirectory(); err != nil {
		t.Fatal(err)
	}
	s.disk = &remembered{ask: s.tryDisk}
	run, hooks := s.path("run"), s.path("hooks")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	try := func(want error, lines int) {
		t.Helper()
		s.disk.known = s.tryDisk(s.disk.known)
		if !errors.Is(s.disk.known, want) || len(heard.AllEntries()) != lines {
			t.Errorf("%v, want %v; %d lines, want %d", s.disk.known, want, len(heard.AllEntries()), lines)
		}
	}
	try(nil, 0)
	if err := os.Symlink("/dev/full", filepath.Join(run, "probe")); err != nil {
		t.Fatal(err)
	}
	try(syscall.ENOSPC, 1)
	if err := os.Symlink("/dev/full", filepath.Join(run, "probe")); err != nil {
		t.Fatal(err)
	}
	try(syscall.ENOSPC, 1)
	try(nil, 2)
	if err := errors.Join(os.RemoveAll(hooks), os.WriteFile(hooks, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	try(syscall.ENOTDIR, 3)
}
