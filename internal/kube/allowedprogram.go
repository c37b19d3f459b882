package kube

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/manifest"
)

// program takes the program out of a configuration; nil if it names none. It has to be one of
// those that are allowed, by its path or by its name. The path is never looked for: the
// server's PATH does not count.
func (a Allowed) program(cfg *rest.Config) (*program, error) {
	if cfg.AuthProvider != nil {
		return nil, fmt.Errorf("its user gets credentials by %q (auth-provider), which Kubernetes has given up; take exec, a token or a certificate",
			manifest.Clean(cfg.AuthProvider.Name))
	}
	if cfg.ExecProvider == nil {
		return nil, nil
	}
	command := cfg.ExecProvider.Command
	path := ""
	for _, allowed := range a.Programs {
		if command != allowed && command != filepath.Base(allowed) {
			continue
		}
		if path != "" && path != allowed {
			return nil, fmt.Errorf("its user gets credentials by the program %q (exec), and the setting clusterPrograms names two of that name; write its path", manifest.Clean(command))
		}
		path = allowed
	}
	if path == "" {
		return nil, fmt.Errorf("its user gets credentials by the program %q (exec), which the setting clusterPrograms does not name", manifest.Clean(command))
	}
	if err := CheckProgram(path); err != nil {
		return nil, fmt.Errorf("its user gets credentials by the program %q (exec): %w", path, err)
	}
	p, err := programOf(path, cfg)
	cfg.ExecProvider = nil // client-go would run it as well
	return p, err
}

// CheckProgram is an error if a program that gives credentials cannot be run by the server, or
// could be changed by others than root and the server's own user.
func CheckProgram(path string) error {
	if !filepath.IsAbs(path) {
		return errors.New("it is no path from the root")
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return errors.New("it is not there, or cannot be read")
	}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return errors.New("it is not there, or cannot be read")
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return errors.New("it is no executable file; chmod 755 it")
	case info.Mode()&0o022 != 0 || !trusted(info):
		return errors.New("others than root and the server's user can change it; chown root it, and chmod 755 it")
	}
	for dir := filepath.Dir(real); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("its folder %s cannot be read", dir)
		}
		if info.Mode()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
			return fmt.Errorf("everybody can change its folder %s; chmod o-w it", dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// trusted reports whether a file is root's, or the server's own user's.
func trusted(info fs.FileInfo) bool {
	sys, ok := info.Sys().(*syscall.Stat_t)
	return ok && (sys.Uid == 0 || int(sys.Uid) == os.Geteuid())
}
