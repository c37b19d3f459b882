package meaning

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// ErrUnknown is the error of a Mounter for an address that means no repository which may be
// read: whether there is one is not said.
var ErrUnknown = errors.New("is another repository")

// Mounter is a revision in which folders of other repositories can be had, too.
type Mounter interface {
	fs.FS
	// Mount makes another repository a folder of the revision, at a branch or a commit; "" for
	// both is its main branch. taken says in words what it was taken for.
	Mount(address string, branch name.Branch, commit name.Revision) (folder, taken string, err error)
}

// Elsewhere is the folder of the revision in which another repository is, with its address in a
// field of a mapping. Where it cannot be had, it notes a problem, and ok is false.
func (w World) Elsewhere(m *Map, field, address string, branch name.Branch, commit name.Revision) (folder string, ok bool) {
	shown := manifest.Clean(address)
	mounter, can := w.Tree.(Mounter)
	err := ErrUnknown
	var taken string
	if can {
		folder, taken, err = mounter.Mount(address, branch, commit)
	}
	switch {
	case errors.Is(err, ErrUnknown):
		m.Problem(field, fmt.Sprintf("%s is another repository", shown),
			fmt.Sprintf("if it is this one, list it in pushboat.yaml: import: {self: [%s]}\nelse have an admin fetch it, and let this repository use it: ssh HOST repo mirror %s %s --used-by %s",
				shown, path.Base(Normal(shown)), shown, w.Repo))
		return "", false
	case err != nil:
		m.Problem(field, fmt.Sprintf("%s: %v", shown, err), "see how its mirror does: ssh HOST repo list")
		return "", false
	}
	m.Note(field, shown+" is "+taken)
	return folder, true
}
