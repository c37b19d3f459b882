// Package backup writes everything that a server keeps into one stream while the server
// runs, and restores a data directory from such streams.
//
// A backup is a tar file, or one that is encrypted with age. It contains:
//
//	pushboat-backup.json   the header: its name, its time, the backup that it goes on from
//	FILES                  as they lie in the data directory; repositories are bare ones
//	SHA256SUMS             every file of the state, with its hash; the end of the backup
//
// One that builds on another leaves out the files that are unchanged since: unpacked
// over each other in order, they give the state. tar, git and sha256sum alone can read
// it.
//
// A backup is secret: it has the server's private key and its secret. An archive that
// is read may come from anybody: everything in it has a limit, and only known paths are
// accepted.
package backup

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Names of the entries of an archive that are not files of the state.
const (
	headerName = "pushboat-backup.json"
	sumsName   = "SHA256SUMS"
)

// format is the format of the archives that this program writes; others have other
// numbers.
const format = 1

// Limits on reading an archive.
const (
	maxHeader = 64 << 10 // bytes
	maxFiles  = 2 << 20
	maxPath   = 2048    // bytes
	maxSums   = 1 << 30 // bytes
)

// Header is the beginning of an archive.
type Header struct {
	Format  int       `json:"format"`
	ID      string    `json:"id"`
	Since   string    `json:"since,omitempty"` // the ID of the one that it builds on; "": it is a full one
	Made    time.Time `json:"made"`
	Data    int       `json:"data"`    // version of the data directory
	Program string    `json:"program"` // version of the program that wrote it
}

// idForm is the form of a backup's name.
var idForm = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}\.[0-9]{3}Z-[0-9a-f]{8}$`)

// idTime is the form of the time in a backup's name.
const idTime = "20060102T150405.000Z"

// NewID returns a name for a backup: names sort by time.
func NewID(made time.Time) string {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails, see its documentation
	return made.UTC().Format(idTime) + "-" + hex.EncodeToString(random[:])
}

// MadeAt is the time in a backup's name; zero if it is none.
func MadeAt(id string) time.Time {
	made, err := time.Parse(idTime, id[:min(len(id), len(idTime))])
	if err != nil {
		return time.Time{}
	}
	return made
}

// readHeader reads and checks a header.
func readHeader(r io.Reader) (Header, error) {
	var h Header
	text, err := io.ReadAll(io.LimitReader(r, maxHeader))
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	switch {
	case err != nil:
		return h, fmt.Errorf("read its header: %w", err)
	case h.Format != format:
		return h, fmt.Errorf("it has format %d, and this program reads format %d: use the Pushboat that wrote it, or a newer one", h.Format, format)
	case !idForm.MatchString(h.ID), h.Since != "" && !idForm.MatchString(h.Since):
		return h, errors.New("its header names no backup")
	}
	return h, nil
}

// sum is a SHA-256.
type sum [sha256.Size]byte

// sums are the files of a state, by path.
type sums map[string]sum

// text returns what sha256sum -c reads.
func (s sums) text() []byte {
	var text []byte
	for _, path := range slices.Sorted(maps.Keys(s)) {
		hash := s[path]
		text = hex.AppendEncode(text, hash[:])
		text = append(text, "  "...)
		text = append(text, path...)
		text = append(text, '\n')
	}
	return text
}

// readSums reads the output of text. It refuses paths that no backup has.
func readSums(r io.Reader) (sums, error) {
	found := sums{}
	lines := bufio.NewScanner(io.LimitReader(r, maxSums))
	lines.Buffer(nil, 2*sha256.Size+2+maxPath)
	for lines.Scan() {
		digits, path, ok := bytes.Cut(lines.Bytes(), []byte("  "))
		var hash sum
		if n, err := hex.Decode(hash[:], digits[:min(len(digits), 2*len(hash))]); !ok || err != nil || n != len(hash) || len(digits) != 2*len(hash) {
			return nil, fmt.Errorf("%s: line %d is no hash of a file", sumsName, len(found)+1)
		}
		name := string(path)
		if _, known := limitOf(name); !known {
			return nil, fmt.Errorf("%s: line %d: %s is no file of a backup", sumsName, len(found)+1, quoted(name))
		}
		if found[name] = hash; len(found) > maxFiles {
			return nil, fmt.Errorf("%s: more than %d files", sumsName, maxFiles)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", sumsName, err)
	}
	return found, nil
}

// quoted quotes an untrusted path for a message.
func quoted(path string) string {
	const shown = 100
	if len(path) > shown {
		return fmt.Sprintf("%q...", path[:shown])
	}
	return fmt.Sprintf("%q", path)
}

// underRepos returns the path in the folder of repositories; ok is false if it is elsewhere.
func underRepos(path string) (string, bool) { return strings.CutPrefix(path, reposDir+"/") }
