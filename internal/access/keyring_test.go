package access

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func quietLog() (*logrus.Entry, *logtest.Hook) {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	return logrus.NewEntry(logger), logtest.NewLocal(logger)
}

// TestKeysThatLeaveAreTold checks that a removed key is reported once, and that a key that
// stays is never reported.
func TestKeysThatLeaveAreTold(t *testing.T) {
	_, ana := newKey(t)
	_, ben := newKey(t)
	file := filepath.Join(t.TempDir(), "keys")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(ana + " ana\n" + ben + " ben\n")
	k, err := OpenKeyring(Files{Authorized: file}, logrus.NewEntry(logrus.New()))
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	k.OnLeave(func(op Operator) { left = append(left, op.Name) })
	write(ben + " ben\n")
	for range 2 {
		if err := k.Reload(Files{Authorized: file}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(left, []string{"ana"}) {
		t.Errorf("reported as removed: %q, want ana once", left)
	}
}

func TestKeyringFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	admin, keys := filepath.Join(dir, "ana.pub"), filepath.Join(dir, "keys")
	_, anaText := newKey(t)
	ben, benText := newKey(t)
	write(t, admin, anaText+" ana\n")
	write(t, keys, "# nobody yet\n")
	log, hook := quietLog()
	k, err := OpenKeyring(Files{AdminKeys: []string{admin}, Authorized: keys}, log)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := k.Lookup(ben); ok {
		t.Fatal("ben is known before his key was added")
	}

	write(t, keys, `role="push" `+benText+" ben\n")
	if op, ok := k.Lookup(ben); !ok || op.Role != RolePush {
		t.Errorf("a key that was added is %+v, %v", op, ok)
	}

	write(t, keys, `rôle="push" `+benText+" ben\n")
	if _, ok := k.Lookup(ben); !ok {
		t.Error("a broken file threw the former keys away")
	}
	last := hook.LastEntry()
	if last.Level != logrus.ErrorLevel || !strings.Contains(last.Data["error"].(error).Error(), keys+":1:") {
		t.Errorf("the log does not name file and line: %v %v", last.Message, last.Data)
	}
	before := len(hook.AllEntries())
	k.Lookup(ben)
	if len(hook.AllEntries()) != before {
		t.Error("a broken file that has not changed is reported again")
	}
	if err := k.Reload(k.files); err == nil || !strings.Contains(err.Error(), keys+":1:") {
		t.Errorf("Reload() = %v", err)
	}

	write(t, keys, "")
	if _, ok := k.Lookup(ben); ok {
		t.Error("a key that was removed is still known")
	}
	if got := k.Admins(); !slices.Equal(got, []string{"ana"}) {
		t.Errorf("Admins() = %v", got)
	}

	if err := os.Remove(admin); err != nil {
		t.Fatal(err)
	}
	k.Lookup(ben)
	if k.Directory().Len() != 1 {
		t.Error("a file that is gone threw the former keys away")
	}
}

// TestKeyringTakesOtherFiles: if one of the new files is wrong, the keyring keeps the
// former files.
func TestKeyringTakesOtherFiles(t *testing.T) {
	dir := t.TempDir()
	admin, keys := filepath.Join(dir, "ana.pub"), filepath.Join(dir, "keys")
	ana, anaText := newKey(t)
	ben, benText := newKey(t)
	write(t, admin, anaText+" ana\n")
	write(t, keys, `role="push" `+benText+" ben\n")
	log, _ := quietLog()
	k, err := OpenKeyring(Files{AdminKeys: []string{admin}}, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Reload(Files{AdminKeys: []string{filepath.Join(dir, "none")}, Authorized: keys}); err == nil {
		t.Error("a reload accepted a missing file")
	}
	if _, ok := k.Lookup(ben); ok {
		t.Error("a key of the rejected files is known")
	}
	if err := k.Reload(Files{Authorized: keys}); err != nil {
		t.Fatal(err)
	}
	if _, ok := k.Lookup(ben); !ok {
		t.Error("a key of the other files is not known")
	}
	if _, ok := k.Lookup(ana); ok {
		t.Error("a key of the former files is still known")
	}
}

func TestKeyringStartsOnlyWithGoodFiles(t *testing.T) {
	dir := t.TempDir()
	log, _ := quietLog()
	if _, err := OpenKeyring(Files{}, log); !errors.Is(err, ErrNoKeys) {
		t.Errorf("without keys: %v", err)
	}
	if _, err := OpenKeyring(Files{Authorized: filepath.Join(dir, "none")}, log); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the file: %v", err)
	}
	bad := filepath.Join(dir, "bad")
	write(t, bad, "\nx\n")
	if _, err := OpenKeyring(Files{Authorized: bad}, log); err == nil || !strings.Contains(err.Error(), bad+":2:") {
		t.Errorf("with a bad file: %v", err)
	}
}

func TestKeyringWarnsOfWeakKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ana.pub")
	write(t, path, rsaKey(t, 2048)+" ana\n")
	log, hook := quietLog()
	if _, err := OpenKeyring(Files{AdminKeys: []string{path}}, log); err != nil {
		t.Fatal(err)
	}
	if last := hook.LastEntry(); last == nil || !strings.Contains(last.Message, "is weak") {
		t.Error("no warning in the log")
	}
}
