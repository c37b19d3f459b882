// Package name has the names that Pushboat goes by as types: a repository, a
// branch, an app, a revision. Bytes from outside (the words of an SSH session,
// the refs of a push, pushboat.yaml, records read back from Git) are parsed
// where they come in. From there on a name keeps its type, so that an app cannot
// be passed for its repository, and a Repo can form a path.
//
// Each type is a string underneath: it is written, compared, sorted and put into
// JSON as one.
package name

import (
	"fmt"
	"strings"
)

// maxQuoted is how many bytes of a name an error repeats at most.
const maxQuoted = 100

// quote quotes a client's bytes for a message, cut so that a name of a megabyte
// does not come back as a message of one.
func quote(s string) string {
	if len(s) > maxQuoted+20 {
		return fmt.Sprintf("%q...", s[:maxQuoted])
	}
	return fmt.Sprintf("%q", s)
}

// Join joins names for a message, as strings.Join joins strings.
func Join[T ~string](names []T, separator string) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(string(n))
	}
	return b.String()
}
