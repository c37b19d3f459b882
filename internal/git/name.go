package git

import (
	"fmt"
	"strings"
)

// Limits of a repository's name. A name becomes a path below the store's
// directory, so both stay far under NAME_MAX and PATH_MAX.
const (
	maxNameBytes    = 100
	maxNameSegments = 3
)

// nameGrammar is what every error about a name ends with.
const nameGrammar = "a name is 1 to 3 parts joined by '/', each of a-z, 0-9, '.', '_' and '-', starting with a letter or digit, at most 100 bytes in all"

// Name is a repository's name that has passed ParseName, such as "shop" or
// "team/shop". Only ParseName makes one, so a Name can form a path.
type Name string

// String returns the name as people write it, without ".git".
func (n Name) String() string { return string(n) }

// Base returns the last part of the name: "shop" of "team/shop".
func (n Name) Base() string {
	return string(n)[strings.LastIndexByte(string(n), '/')+1:]
}

// path returns the repository's directory relative to the store's.
func (n Name) path() string { return string(n) + ".git" }

// ParseName reads a repository's name as git clients send it: "shop",
// "shop.git", "/shop.git" and "shop.git/" are the same repository. Anything outside the
// grammar is an error that states it: a name reaches a path and a command
// line, where "..", a leading '-' or a ';' have each been somebody's CVE
// (CVE-2017-8386, CVE-2025-22130, CVE-2026-45408).
func ParseName(s string) (Name, error) {
	name := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(s, "/"), "/"), ".git")
	if err := checkName(name); err != nil {
		return "", fmt.Errorf("repository name %s: %w; %s", quoteShort(s), err, nameGrammar)
	}
	return Name(name), nil
}

func checkName(name string) error {
	if name == "" {
		return fmt.Errorf("it is empty")
	}
	if len(name) > maxNameBytes {
		return fmt.Errorf("it has %d bytes", len(name))
	}
	segments := strings.Split(name, "/")
	if len(segments) > maxNameSegments {
		return fmt.Errorf("it has %d parts", len(segments))
	}
	for _, segment := range segments {
		if err := checkSegment(segment); err != nil {
			return err
		}
	}
	return nil
}

func checkSegment(segment string) error {
	if segment == "" {
		return fmt.Errorf("it has an empty part")
	}
	for i := range len(segment) {
		if c := segment[i]; !isAlnum(c) && (i == 0 || !strings.ContainsRune("._-", rune(c))) {
			return fmt.Errorf("the part %s has a %q at byte %d", quoteShort(segment), c, i+1)
		}
	}
	if strings.Contains(segment, "..") {
		return fmt.Errorf("the part %s contains '..'", quoteShort(segment))
	}
	for _, suffix := range []string{".git", ".lock", "."} {
		if strings.HasSuffix(segment, suffix) {
			return fmt.Errorf("the part %s ends in %q", quoteShort(segment), suffix)
		}
	}
	return nil
}

func isAlnum(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// quoteShort quotes a client's bytes for a message, cut so that a name of a
// megabyte does not come back as a message of one.
func quoteShort(s string) string {
	if len(s) > maxNameBytes+20 {
		return fmt.Sprintf("%q...", s[:maxNameBytes])
	}
	return fmt.Sprintf("%q", s)
}
