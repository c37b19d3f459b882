package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A server that begins to serve raises the directory's epoch. The previous server finds
// another epoch than its own there, and stops, even where no lock keeps two apart, as
// on a network file system, or when it was frozen and thought dead. Clusters have the
// epoch on the inventory of each app, for copied directories.

// epochFile holds the directory's epoch.
const epochFile = "epoch"

// maxEpochFile bounds the part of it that is read, in bytes.
const maxEpochFile = 4 << 10

// Epoch is one server's time with a directory.
type Epoch struct {
	Number int64  `json:"epoch"`           // 0: nobody has had the directory yet
	Holder string `json:"holder"`          // the process that raised it, for people
	Lease  string `json:"lease,omitempty"` // by which the server leads, NAMESPACE/NAME; "": none
}

// ReadEpoch returns the epoch of a directory; the zero Epoch if it has none.
func ReadEpoch(dir string) (Epoch, error) {
	file, err := os.Open(filepath.Join(dir, epochFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Epoch{}, nil
	}
	if err != nil {
		return Epoch{}, fmt.Errorf("read the data directory's epoch: %w", err)
	}
	defer file.Close()
	var e Epoch
	if err := json.NewDecoder(io.LimitReader(file, maxEpochFile)).Decode(&e); err != nil || e.Number < 1 {
		return Epoch{}, fmt.Errorf("%q holds no epoch: stop every server of this directory, delete the file, and start one", file.Name())
	}
	return e, nil
}

// RaiseEpoch begins an epoch, and returns it when it is on disk. The caller must hold
// the directory's lock, or lead by its lease.
func RaiseEpoch(dir, holder, lease string, now time.Time) (Epoch, error) {
	last, err := ReadEpoch(dir)
	if err != nil {
		return Epoch{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Epoch{}, fmt.Errorf("raise the data directory's epoch: %w", err)
	}
	defer root.Close()
	next := Epoch{Number: following(last.Number, now), Holder: holder, Lease: lease}
	text, err := json.Marshal(next)
	if err != nil {
		return Epoch{}, fmt.Errorf("raise the data directory's epoch: %w", err)
	}
	if err := (disk{root: root}).write(epochFile, append(text, '\n')); err != nil {
		return last, fmt.Errorf("raise the data directory's epoch: %w", err)
	}
	return next, nil
}

// following returns the epoch after another: higher by at least one, and at least the
// time in milliseconds since 1970. So a directory that was restored from a backup gets
// a higher epoch than any since the backup, which clusters remember.
func following(last int64, now time.Time) int64 { return max(last+1, now.UnixMilli()) }

// StaleError says that a server may do nothing more, because another one has replaced
// it.
type StaleError struct {
	Own   Epoch
	Cause string // how this server knows
}

// Error says how the server knows.
func (e *StaleError) Error() string {
	return "another server has taken this one's place: " + e.Cause
}

// Hint returns the next thing to try, for callers of this server.
func (e *StaleError) Hint() string { return "try again: the server that took its place answers" }

// judge returns an error if a server with its own epoch no longer has the directory, by
// the epoch that it finds there.
func judge(own, found Epoch) *StaleError {
	switch {
	case own == found:
		return nil
	case found.Number == 0:
		return &StaleError{Own: own, Cause: "the data directory's epoch is gone"}
	}
	return &StaleError{Own: own, Cause: fmt.Sprintf("the data directory has epoch %d, of %s, and this server's is %d", found.Number, found.Holder, own.Number)}
}
