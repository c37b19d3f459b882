package name

import "fmt"

// Revision is the commit that an app is deployed from, by its hash; "" where
// there is none.
type Revision string

// ParseRevision reads a commit's full hash: 40 lower-case hex digits (SHA-1) or 64
// (SHA-256). Nothing else passes, so a Revision can stand in a command line
// (CVE-2025-58355: an id that was an option).
func ParseRevision(s string) (Revision, error) {
	if len(s) != 40 && len(s) != 64 {
		return "", fmt.Errorf("object id %s: want 40 or 64 hex digits", quote(s))
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fmt.Errorf("object id %s: want 40 or 64 hex digits", quote(s))
		}
	}
	return Revision(s), nil
}

// Short returns the first 7 digits, as Git abbreviates a commit by default.
func (r Revision) Short() string { return string(r)[:min(7, len(r))] }
