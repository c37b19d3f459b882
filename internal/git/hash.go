package git

import (
	"strings"

	"github.com/pushboat/pushboat/internal/name"
)

// Hash names a Git object: 40 lower-case hex digits (SHA-1) or 64 (SHA-256). Only
// ParseHash makes one from a client's bytes, so a Hash is safe in a command line
// (CVE-2025-58355: an id that was an option).
type Hash string

// ParseHash parses an object's full hash: every object has the grammar of commits.
func ParseHash(s string) (Hash, error) {
	hash, err := name.ParseRevision(s)
	return Hash(hash), err
}

// String returns the full hash.
func (h Hash) String() string { return string(h) }

// Short returns the first 7 digits, for people.
func (h Hash) Short() string { return name.Revision(h).Short() }

// IsZero reports whether h names no object: it is empty, or all zeros, as Git writes
// the missing side of a creation or a deletion.
func (h Hash) IsZero() bool { return strings.Trim(string(h), "0") == "" }
