package meaning

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// ErrUnknown is the error of a Mounter for an address that means no repository which may be
// read: whether there is one is not said.
var ErrUnknown = errors.New("is another repository")

// MissingError is the error of a Mounter for a repository that has not what is named of it.
type MissingError struct {
	Repo name.Repo
	At   At
}

// Error reads on from the address.
func (e *MissingError) Error() string {
	return fmt.Sprintf("repository %s has no %s here", e.Repo, manifest.Clean(e.At.String()))
}

// Mounter is a revision in which folders of other repositories can be had, too.
type Mounter interface {
	fs.FS
	// Mount makes another repository, or another place of this one, a folder of the revision;
	// the address "" is this one. taken says in words what it was taken for.
	Mount(address string, at At) (folder, taken string, err error)
}

// Elsewhere is the folder of the revision in which another repository is, with its address in a
// field of a mapping. Where it cannot be had, it notes a problem, and ok is false.
func (w World) Elsewhere(m *Map, field, address string, at At) (folder string, ok bool) {
	shown := manifest.Clean(address)
	if strings.ContainsAny(address, "{}<>$ \t\n") {
		m.Problem(field, fmt.Sprintf("%s: %q is a placeholder, and no address of a repository", m.At(field), shown), "write the address; that of this repository may be any that ends in "+string(w.Repo))
		return "", false
	}
	mounter, can := w.Tree.(Mounter)
	err := ErrUnknown
	var taken string
	if can {
		folder, taken, err = mounter.Mount(address, at)
	}
	switch {
	case errors.Is(err, ErrUnknown):
		m.Problem(field, fmt.Sprintf("%s is another repository", shown), w.hintUnknown(shown, !can))
		return "", false
	case err != nil:
		m.Problem(field, fmt.Sprintf("%s: %v", shown, err), hintFor(err))
		return "", false
	}
	m.Note(field, shown+" is "+taken)
	return folder, true
}

// hintUnknown is the next thing to try where an address means no repository. A folder without a
// server may be called otherwise than the repository that it is a clone of.
func (w World) hintUnknown(address string, isFolder bool) string {
	base := path.Base(Normal(address))
	self := "if it is this one, list it"
	if isFolder {
		self = fmt.Sprintf("if it is this one, under another name than that of the folder: --repository %s\nor, for the server as well, list it", base)
	}
	return fmt.Sprintf("%s in pushboat.yaml: import: {self: [%s]}\nelse have an admin fetch it, and let this repository use it: ssh HOST repo mirror %s %s --used-by %s\nor, of one that is hosted here: ssh HOST repo alias REPOSITORY %s --used-by %s",
		self, address, base, address, w.Repo, address, w.Repo)
}

// Own is the folder of the revision in which this repository is at another place than the branch
// that is deployed, which a field names. Where it cannot be had, it notes a problem, and ok is
// false; missing is what to say where there is no such place, nil for the usual.
func (w World) Own(m *Map, field string, at At, missing *manifest.Problem) (folder string, ok bool) {
	mounter, can := w.Tree.(Mounter)
	if !can {
		message := fmt.Sprintf("%s: only the server follows a %s of this repository", m.At(field), manifest.Clean(at.String()))
		hint := fmt.Sprintf("have it show what it would do: git push -o plan origin %s", w.Branch)
		if other := manifest.Clean(cmp.Or(at.Word, string(at.Branch))); other != "" {
			message += "; this folder stands for branch " + string(w.Branch)
			hint = fmt.Sprintf("give --branch %s if it is the branch of this folder; else ", other) + hint
		}
		m.Problem(field, message, hint)
		return "", false
	}
	folder, taken, err := mounter.Mount("", at)
	var none *MissingError
	switch isNone := errors.As(err, &none); {
	case isNone && missing != nil:
		m.Problem(field, missing.Message, missing.Hint)
		return "", false
	case isNone:
		ref := manifest.Clean(cmp.Or(string(at.Branch), string(at.Tag), "TAG"))
		m.Problem(field, fmt.Sprintf("%s: %v", m.At(field), err), fmt.Sprintf("push it as well: git push origin %s %s", w.Branch, ref))
		return "", false
	case err != nil:
		m.Problem(field, fmt.Sprintf("%s: %v", m.At(field), err), hintFor(err))
		return "", false
	}
	m.Note(field, manifest.Clean(at.String())+" is "+taken)
	return folder, true
}

// hintFor is the next thing to try where a source cannot be had.
func hintFor(err error) string {
	missing, ok := errors.AsType[*MissingError](err)
	if !ok {
		return "see how its mirror does: ssh HOST repo list"
	}
	look := fmt.Sprintf("see what it has: git ls-remote ssh://HOST/%s", missing.Repo)
	if missing.At.Word != "" && isShortHash(missing.At.Word) {
		look = "if it is a commit, write its whole hash; else " + look
	}
	return look + fmt.Sprintf("\nof a mirror, branches and tags in mirrors/%s.yaml of admin say what is fetched, and this fetches it now: ssh HOST repo fetch %s", missing.Repo, missing.Repo)
}

// isShortHash reports whether a text may be the beginning of a commit's hash.
func isShortHash(text string) bool {
	return len(text) >= 7 && strings.Trim(text, "0123456789abcdef") == ""
}
