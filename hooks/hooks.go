// Package hooks holds the entry points that Git runs for a push, and the
// conversation between the program they start (cmd/pushboat-hook) and the
// server. The entry points are fixed: nothing is templated into them, and one
// directory of them serves every repository through core.hooksPath
// (CVE-2026-45408: a name in a generated hook). The package imports the
// standard library only, because the hook program has to start in about two
// milliseconds.
package hooks

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The hooks that Git runs, by the names it gives them.
const (
	PreReceive  = "pre-receive"
	PostReceive = "post-receive"
)

//go:embed pre-receive post-receive
var entryPoints embed.FS

// Install writes the entry points into dir, which it creates if need be. It leaves a
// correct file alone, and replaces any other atomically, so that a concurrent push
// finds the old one or the new one.
func Install(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("install hooks: %w", err)
	}
	for _, name := range []string{PreReceive, PostReceive} {
		content, err := fs.ReadFile(entryPoints, name)
		if err != nil {
			return fmt.Errorf("install hooks: %w", err)
		}
		if err := installFile(filepath.Join(dir, name), content); err != nil {
			return fmt.Errorf("install hook %s: %w", name, err)
		}
	}
	return nil
}

func installFile(path string, content []byte) error {
	if right(path, content) {
		return nil
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // gone already when all went well
	_, err = temp.Write(content)
	if err := errors.Join(err, temp.Chmod(0o755), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// right reports whether path is a plain file of that content and mode 0755.
func right(path string, content []byte) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != 0o755 {
		return false
	}
	found, err := os.ReadFile(path)
	return err == nil && bytes.Equal(found, content)
}
