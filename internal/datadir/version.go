// Package datadir manages the data directory as a whole: its version, and the upgrade
// of one with an older version.
//
//	version            the directory's version, in digits; without the file: 1
//	epoch              whose the directory is now, see Fence
//	server.id          names this server to its clusters
//	mask.key           the server's secret: masks values, seals texts
//	ssh/host_ed25519   the server's private key
//	repos/NAME.git     the repositories, with the records of deploys
//	sealed/            rendered apps and generated values, see package sealed
//	charts/digests/    which content each version of a chart had
//	charts/archives/   charts that were fetched; fetched again if they are gone
//	restored           the directory is older than its clusters may be, see Restored
//	tokens.json        the tokens of the API, by their hashes, see package token
//	mirrors.json       how mirrors do, and the keys of their hosts, see package mirror
//	remotes.json       how remotes do, likewise
//	notify/journal     what is to be told to whom, and what was, see package notify
//	refused/           pushes that the gate has refused, see package refusal
//	backups/           what recent backups had, for those that go on from them
//	before/N/          the files that the step away from version N changed
//	hooks/, run/       made at each start
//
// Versions are steps: steps.go has one for each version after the first, and the
// current version is one more than their number. Each is a function of files' contents.
// upgrade.go carries it out so that after a crash anywhere, the next start brings the
// directory to the same end.
package datadir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// versionFile holds the directory's version.
const versionFile = "version"

// maxVersionFile bounds the part of it that is read, in bytes.
const maxVersionFile = 32

// Unfinished is the folder in which a restore collects its files before it puts them in
// place. A directory that has it is incomplete.
const Unfinished = ".restore"

// Restored is the file that a restore leaves in the directory. Until the server has
// compared all running objects with the directory, one by one, its records may be older
// than the objects.
const Restored = "restored"

// NewerError reports a directory that a newer server has written to.
type NewerError struct {
	Dir      string
	Has      int // the directory's version
	Supports int // the newest that this program supports
}

// Error names the two ways out.
func (e *NewerError) Error() string {
	return fmt.Sprintf("data directory %q has version %d, and this program knows versions up to %d; start the newer Pushboat "+
		"again, or restore a backup from before its upgrade into an empty directory: pushboat restore FILE --data NEWDIR", e.Dir, e.Has, e.Supports)
}

// Current returns the version of the directories that this program writes.
func Current() int { return steps.current() }

// Check refuses a directory that this program cannot use: a newer one (*NewerError),
// and one with an unfinished restore. It changes nothing.
func Check(dir string) error { return steps.check(dir) }

func (s table) check(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, Unfinished)); err == nil {
		return fmt.Errorf("data directory %q: a restore into it has not ended; empty it, and restore again", dir)
	}
	has, err := Read(dir)
	if err != nil {
		return err
	}
	if at, ok, err := underway(dir); err != nil {
		return err
	} else if ok {
		has = max(has, at.To)
	}
	if has > s.current() {
		return &NewerError{Dir: dir, Has: has, Supports: s.current()}
	}
	return nil
}

// Read returns the version of a directory: that in its file, or else 1. A directory
// that does not exist, or has no server's files yet, has the current version.
func Read(dir string) (int, error) { return steps.read(dir) }

func (s table) read(dir string) (int, error) {
	file, err := os.Open(filepath.Join(dir, versionFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s.unversioned(dir)
	}
	if err != nil {
		return 0, fmt.Errorf("read the data directory's version: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxVersionFile))
	if err != nil {
		return 0, fmt.Errorf("read the data directory's version: %w", err)
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || version < 1 {
		return 0, fmt.Errorf("%q holds no version: restore it from a backup", file.Name())
	}
	return version, nil
}

// unversioned distinguishes a directory from before there were versions from a new one.
func (s table) unversioned(dir string) (int, error) {
	for _, path := range []string{"server.id", "mask.key", filepath.Join("ssh", "host_ed25519")} {
		if _, err := os.Lstat(filepath.Join(dir, path)); err == nil {
			return 1, nil
		}
	}
	entries, err := os.ReadDir(filepath.Join(dir, "repos"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("read the data directory's version: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			return 1, nil
		}
	}
	return s.current(), nil
}
