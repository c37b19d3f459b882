package name

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// BranchPrefix begins the full name of every branch.
const BranchPrefix = "refs/heads/"

// maxBranch bounds the name of a branch that pushboat.yaml names, in bytes: the
// name is a path below refs/heads, and NAME_MAX is 255.
const maxBranch = 200

// Branch is a branch's short name, such as "main" or "release/1.10".
type Branch string

// BranchOf returns the branch that a ref's full name is: "main" of
// "refs/heads/main". The ref comes from Git, which has checked it.
func BranchOf(ref string) (Branch, bool) {
	branch, ok := strings.CutPrefix(ref, BranchPrefix)
	return Branch(branch), ok
}

// ParseBranch holds a branch's name that somebody wrote to git-check-ref-format(1),
// as far as an honest name can go wrong. The error reads on from the quoted name:
// "is empty".
func ParseBranch(s string) (Branch, error) {
	switch {
	case s == "":
		return "", errors.New("is empty")
	case strings.HasPrefix(s, "refs/"):
		return "", errors.New("is the name of a ref; write what comes after refs/heads/")
	case len(s) > maxBranch:
		return "", errors.New("is longer than 200 bytes")
	case !utf8.ValidString(s) || strings.ContainsFunc(s, badInBranch):
		return "", errors.New("has a character that branch names cannot have")
	case !branchShape(s):
		return "", errors.New("is not a name that a branch can have")
	}
	return Branch(s), nil
}

// Ref returns the full name of the branch: "refs/heads/main" of "main".
func (b Branch) Ref() string { return BranchPrefix + string(b) }

// badInBranch finds the characters that Git refuses, and those that do not print.
func badInBranch(r rune) bool {
	return !unicode.IsGraphic(r) || strings.ContainsRune(" ~^:?*[\\", r)
}

func branchShape(s string) bool {
	if strings.Contains(s, "..") || strings.Contains(s, "@{") || s == "@" || s[0] == '-' {
		return false
	}
	for element := range strings.SplitSeq(s, "/") {
		if element == "" || element[0] == '.' || strings.HasSuffix(element, ".") || strings.HasSuffix(element, ".lock") {
			return false
		}
	}
	return true
}
