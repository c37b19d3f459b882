package appfile

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/pushboat/pushboat/internal/manifest"
)

// The grammars of names. Each check returns what is wrong, to be put after the
// quoted value, or "".

var labelPattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// checkLabel holds a text to the grammar of DNS labels (RFC 1123).
func checkLabel(s string) string { return checkLabelOf(s, 63) }

func checkName(s string) string { return checkLabelOf(s, MaxNameLength) }

func checkLabelOf(s string, most int) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) > most:
		return fmt.Sprintf("has %d characters; at most %d are allowed", len(s), most)
	case !labelPattern.MatchString(s):
		return "is not made of lower-case letters, digits and inner hyphens"
	}
	return ""
}

// checkPath holds a path to being a clean one inside the repository. Globs are
// allowed.
func checkPath(s string) string {
	trimmed := strings.TrimSuffix(s, "/")
	switch {
	case s == "":
		return `is empty; write "." for the whole repository`
	case path.IsAbs(s):
		return "is absolute; paths start at the repository's root"
	case strings.Contains(s, `\`):
		return "has a backslash; folders are separated by /"
	case !utf8.ValidString(s) || manifest.Clean(s) != s:
		return "has characters that do not print"
	case strings.Contains(s, "**"):
		return "has **; a * matches within one folder, so write one entry for each depth"
	}
	for element := range strings.SplitSeq(trimmed, "/") {
		if element == ".." {
			return "leads out of the repository"
		}
		if strings.EqualFold(element, ".git") {
			return "is Git's own folder"
		}
	}
	if clean := path.Clean(trimmed); !fs.ValidPath(clean) {
		return "is not a path"
	}
	if _, err := path.Match(trimmed, ""); err != nil {
		return "has a bracket that is not closed"
	}
	return ""
}

// checkBranch holds a branch name to git-check-ref-format(1), as far as an
// honest name can go wrong.
func checkBranch(s string) string {
	switch {
	case s == "":
		return "is empty"
	case strings.HasPrefix(s, "refs/"):
		return "is the name of a ref; write what comes after refs/heads/"
	case len(s) > 200:
		return "is longer than 200 bytes"
	case !utf8.ValidString(s) || manifest.Clean(s) != s || strings.ContainsAny(s, " ~^:?*[\\"):
		return "has a character that branch names cannot have"
	case strings.Contains(s, "..") || strings.Contains(s, "@{") || s == "@" || s[0] == '-':
		return "is not a name that a branch can have"
	}
	for element := range strings.SplitSeq(s, "/") {
		if element == "" || element[0] == '.' || strings.HasSuffix(element, ".") || strings.HasSuffix(element, ".lock") {
			return "is not a name that a branch can have"
		}
	}
	return ""
}
