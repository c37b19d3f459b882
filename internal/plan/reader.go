package plan

import (
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Reader says whether whoever reads an answer may know what is in a repository. It is nil
// for answers that are kept, such as records and the status of an app: anybody who may
// read the app's own repository reads those.
type Reader func(repo name.Repo) bool

// Sees reports whether the reader of an answer about a repository may know of another one.
func (r Reader) Sees(own, other name.Repo) bool { return own == other || r != nil && r(other) }

// AskAdmin is the hint for somebody who may not know whose a thing is.
const AskAdmin = "choose another name, or ask an admin of this server whose it is"

// Hidden is the problem of an object or a name that is another repository's, for a reader
// who may know no more. It says the same whatever that repository does with it.
func Hidden() *manifest.Problem {
	return &manifest.Problem{Message: "belongs to another repository", Hint: AskAdmin}
}

// Naming names an app in an answer about another one that is kept: by its name, if both are
// of one repository.
func Naming(app name.App, of *Target, with *Companions, others Others) string {
	if isOf(of, app, with, others) {
		return "app " + string(app)
	}
	return "another repository"
}

// isOf reports whether an app is of the target's repository: it comes with the same push,
// or was deployed from there.
func isOf(t *Target, app name.App, with *Companions, others Others) bool {
	if slices.ContainsFunc(with.Targets, func(other *Target) bool { return other.Spec.Name == app }) {
		return true
	}
	repo, _, ok := others.Home(app)
	return !ok || repo == t.Repo
}
