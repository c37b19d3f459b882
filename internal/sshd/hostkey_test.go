package sshd

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"
)

func TestHostKeyIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host_key")
	var all [8]gossh.Signer
	var wg sync.WaitGroup
	for i := range all { // eight servers that start at the same time agree on one key
		wg.Go(func() {
			signer, err := LoadOrCreateHostKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			all[i] = signer
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for _, signer := range all {
		if !bytes.Equal(signer.PublicKey().Marshal(), all[0].PublicKey().Marshal()) {
			t.Error("two calls gave two keys")
		}
	}
	if all[0].PublicKey().Type() != gossh.KeyAlgoED25519 {
		t.Errorf("type %s", all[0].PublicKey().Type())
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestBadHostKeyIsAnErrorAndStays(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good")
	if _, err := LoadOrCreateHostKey(good); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(p256, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, want string
		data       []byte
		mode       os.FileMode
	}{
		{"empty", "parse host key", nil, 0o600},
		{"cut short", "parse host key", key[:len(key)/2], 0o600},
		{"open to the group", "mode 0640 lets others use it", key, 0o640},
		{"open to all", "mode 0604 lets others use it", key, 0o604},
		{"other type", "ecdsa-sha2-nistp256", pem.EncodeToMemory(block), 0o600},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "host_key")
			if err := os.WriteFile(path, test.data, test.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := LoadOrCreateHostKey(path); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, test.data) {
				t.Error("the file was changed")
			}
		})
	}
	if _, err := LoadOrCreateHostKey(t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := LoadOrCreateHostKey(filepath.Join(t.TempDir(), "none", "key")); err == nil {
		t.Error("a directory that is not there is no error")
	}
}

func TestServerWithoutItsPartsDoesNotStart(t *testing.T) {
	whole := start(t, nil).config
	for name, spoil := range map[string]func(*Config){
		"host key": func(c *Config) { c.HostKeys = nil },
		"keys":     func(c *Config) { c.Keys = nil },
		"git":      func(c *Config) { c.Handlers.Git = nil },
		"command":  func(c *Config) { c.Handlers.Command = nil },
		"log":      func(c *Config) { c.Log = nil },
		"limit":    func(c *Config) { c.MaxSessions = -1 },
		"time":     func(c *Config) { c.IdleTimeout = -1 },
	} {
		config := whole
		spoil(&config)
		if _, err := New(config); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
