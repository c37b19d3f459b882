package git

import (
	"fmt"
	"strings"
)

// Hash names a Git object: 40 lower-case hex digits (SHA-1) or 64 (SHA-256).
// Only ParseHash makes one from a client's bytes, so a Hash can stand in a
// command line (CVE-2025-58355: an id that was an option).
type Hash string

// ParseHash reads an object's full name.
func ParseHash(s string) (Hash, error) {
	if len(s) != 40 && len(s) != 64 {
		return "", fmt.Errorf("object id %s: want 40 or 64 hex digits", quoteShort(s))
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fmt.Errorf("object id %s: want 40 or 64 hex digits", quoteShort(s))
		}
	}
	return Hash(s), nil
}

// String returns the full hash.
func (h Hash) String() string { return string(h) }

// Short returns the first 7 digits, as people are shown it.
func (h Hash) Short() string { return string(h)[:min(7, len(h))] }

// IsZero reports whether h names no object: it is empty, or all zeros as Git
// writes the missing side of a creation or a deletion.
func (h Hash) IsZero() bool { return strings.Trim(string(h), "0") == "" }
