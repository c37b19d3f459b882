package access

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/ssh"
)

// Files are the key files of a server.
type Files struct {
	// AdminKeys are .pub files; each key in them is an admin's.
	AdminKeys []string
	// Authorized is a file in the form of authorized_keys, with the options
	// role (default "read"), repo and from. Empty: none.
	Authorized string
}

// Keyring is the current directory. It reads its files, and reads them again when they
// change. A file that has become wrong changes nothing: the former directory stays, and
// the log has the mistake and its line.
type Keyring struct {
	log *logrus.Entry

	directory atomic.Pointer[Directory]

	leaves func(Operator) // told of each key that is in no file any more; nil: nobody is

	mu    sync.Mutex // held while files are checked
	files Files
	seen  []stamp // of the files as they were last read, well or badly
}

// stamp tells whether a file has changed.
type stamp struct {
	size int64
	time time.Time
	file os.FileInfo // for os.SameFile; nil if stat failed
}

// ErrNoKeys is the error of OpenKeyring when no file holds a key: nobody could log in.
var ErrNoKeys = errors.New("no key to log in with: give one with --admin-key FILE.pub")

// OpenKeyring reads the files. Its error names file and line of everything that is wrong.
func OpenKeyring(files Files, log *logrus.Entry) (*Keyring, error) {
	k := &Keyring{files: files, log: log}
	k.directory.Store(&Directory{})
	if err := k.reload(); err != nil {
		return nil, err
	}
	if k.Directory().Len() == 0 {
		return nil, ErrNoKeys
	}
	return k, nil
}

// Reload reads the files, which may be other ones than before, and swaps the directory.
// If they have mistakes, it returns those, and keeps the former files and directory.
func (k *Keyring) Reload(files Files) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	former := k.files
	k.files = files
	err := k.reload()
	if err != nil {
		k.files = former
		k.seen = k.stamps()
	}
	return err
}

func (k *Keyring) reload() error {
	k.seen = k.stamps()
	next, err := ReadDirectory(k.files)
	if err != nil {
		return err
	}
	for _, warning := range next.Warnings() {
		k.log.Warn("access: " + warning)
	}
	former := k.directory.Swap(next)
	if k.leaves != nil {
		for _, op := range former.Operators() {
			if _, stays := next.Find(op.Fingerprint); !stays {
				k.leaves(op)
			}
		}
	}
	return nil
}

// OnLeave has a function called for each key that is in no file any more. It is to be set
// before anything is looked up.
func (k *Keyring) OnLeave(leaves func(Operator)) { k.leaves = leaves }

// refresh reloads if a file is not as it was. It costs a stat a file.
func (k *Keyring) refresh() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !changed(k.seen, k.stamps()) {
		return
	}
	if err := k.reload(); err != nil {
		k.log.WithError(err).Error("access: the key files are wrong, the former keys stay in force")
		return
	}
	k.log.Info("access: " + k.describe())
}

// Describe sums up the files that were read last, for the log.
func (k *Keyring) Describe() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.describe()
}

func (k *Keyring) describe() string {
	return fmt.Sprintf("key files read again: %d keys in %s", k.Directory().Len(), strings.Join(k.files.paths(), ", "))
}

// Directory returns the directory of the moment.
func (k *Keyring) Directory() *Directory { return k.directory.Load() }

// Lookup returns the owner of a key according to the files as they are now: adding or
// removing a key takes effect at once.
func (k *Keyring) Lookup(key ssh.PublicKey) (Operator, bool) {
	k.refresh()
	return k.Directory().Lookup(key)
}

// Admins returns the names of the operators with the role admin, sorted.
func (k *Keyring) Admins() []string { return k.Directory().Admins() }

// ReadDirectory reads the files. Its error names file and line of everything that is
// wrong.
func ReadDirectory(files Files) (*Directory, error) {
	sources, err := files.sources()
	if err != nil {
		return nil, err
	}
	return NewDirectory(sources...)
}

func (f Files) paths() []string {
	if f.Authorized == "" {
		return f.AdminKeys
	}
	return append(slices.Clip(f.AdminKeys), f.Authorized)
}

func (k *Keyring) stamps() []stamp {
	var stamps []stamp
	for _, path := range k.files.paths() {
		var s stamp
		if info, err := os.Stat(path); err == nil {
			s = stamp{info.Size(), info.ModTime(), info}
		}
		stamps = append(stamps, s)
	}
	return stamps
}

func changed(before, now []stamp) bool {
	for i := range now {
		a, b := before[i], now[i]
		if (a.file == nil) != (b.file == nil) || a.size != b.size || !a.time.Equal(b.time) {
			return true
		}
		if a.file != nil && !os.SameFile(a.file, b.file) {
			return true
		}
	}
	return false
}

func (f Files) sources() ([]Source, error) {
	var sources []Source
	var problems []error
	for i, path := range f.paths() {
		text, err := readFile(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("read keys: %w", err))
		}
		sources = append(sources, Source{File: path, Text: text, Admin: i < len(f.AdminKeys)})
	}
	return sources, errors.Join(problems...)
}

// readFile reads a little more than a key file may have, so that too much is seen.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}
