package meaning

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/name"
)

// At is where in a repository a source is taken from. The first that is given counts, but for a
// range without a tag; the zero At is the main branch.
type At struct {
	Commit name.Revision
	// Range is a range of versions: the highest tag in it. Loose is how Argo CD reads versions,
	// see name.ParseRange.
	Range  string
	Loose  bool
	Tag    name.Tag
	Branch name.Branch
	// Word is a branch, or else a tag.
	Word string
}

// IsMain reports whether it is whatever branch is the main one.
func (a At) IsMain() bool { return a == At{} }

// String says in words what is meant, such as "branch main".
func (a At) String() string {
	switch {
	case a.Commit != "":
		return "commit " + string(a.Commit)
	case a.Range != "":
		return fmt.Sprintf("tag in %q", a.Range)
	case a.Tag != "":
		return "tag " + string(a.Tag)
	case a.Branch != "":
		return "branch " + string(a.Branch)
	case a.Word != "":
		return "branch or tag " + a.Word
	}
	return "main branch"
}
