package sshd

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// maxHostKeyBytes bounds the key's file; an ed25519 key takes 400.
const maxHostKeyBytes = 16 << 10

// LoadOrCreateHostKey reads the server's ed25519 key from path, or creates one there
// with mode 0600. It never replaces an existing key: one that cannot be read, has
// another type or is accessible to others is an error, since to its clients a server
// with another key is another server.
func LoadOrCreateHostKey(path string) (ssh.Signer, error) {
	signer, err := loadHostKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return signer, err
	}
	if err := createHostKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make host key %q: %w", path, err)
	}
	return loadHostKey(path) // ours, or that of a server that was faster
}

func loadHostKey(path string) (ssh.Signer, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("read host key %q: %w", path, err)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("parse host key %q: %w; put the right file there, or move it away to get a new key", path, err)
	}
	if got := signer.PublicKey().Type(); got != ssh.KeyAlgoED25519 {
		return nil, fmt.Errorf("host key %q is of type %s: only %s is used, make one with ssh-keygen -t ed25519",
			path, got, ssh.KeyAlgoED25519)
	}
	return signer, nil
}

func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkPrivate(info); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, maxHostKeyBytes))
}

// checkPrivate applies OpenSSH's rule: a key that we own must be accessible to us
// alone. A key that somebody else owns may be readable by a group, as Kubernetes does
// with a mounted Secret and fsGroup, but never by everybody.
func checkPrivate(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	open := fs.FileMode(0o077)
	if sys, ok := info.Sys().(*syscall.Stat_t); ok && int(sys.Uid) != os.Geteuid() {
		open = 0o027
	}
	if info.Mode().Perm()&open != 0 {
		return fmt.Errorf("mode %04o lets others use it: chmod 600 it", info.Mode().Perm())
	}
	return nil
}

// createHostKey writes a new key beside path and links it there, so that path never
// holds half a key and an existing one stays.
func createHostKey(path string) error {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, "pushboat host key")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".host-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(pem.EncodeToMemory(block))
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
