// Package render turns a folder of a revision into Kubernetes objects. It
// chooses the renderer; each kind of renderer has a package below this one.
package render

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"sort"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/plain"
)

// Result is what an app renders to.
type Result struct {
	// Objects are in the order of their files' paths, and in a file as they
	// were written. They are as the author wrote them: no namespace is filled
	// in. Two may have one identity; that is the caller's to refuse, who knows
	// which namespace is meant where none is written.
	Objects []*manifest.Object
	// Digest is the hex SHA-256 of the objects. It does not depend on the files
	// and the order in which they are written.
	Digest string
}

// App renders an app of the revision whose root is fsys. It returns all
// problems, each with the app's name; if there are any, the result is not to
// be applied.
func App(fsys fs.FS, app appfile.App) (Result, manifest.Problems) {
	objects, problems := plain.Render(fsys, plain.Folder{Path: app.Path, Exclude: app.Exclude})
	for i := range problems {
		problems[i].App = app.Name
	}
	problems.Sort()
	return Result{Objects: objects, Digest: digest(objects)}, problems
}

// digest combines the digests of objects in an order that only depends on
// them.
func digest(objects []*manifest.Object) string {
	digests := make([]string, len(objects))
	for i, o := range objects {
		digests[i] = manifest.Digest(o.Unstructured)
	}
	sort.Strings(digests)
	sum := sha256.New()
	for _, d := range digests {
		sum.Write([]byte(d))
	}
	return hex.EncodeToString(sum.Sum(nil))
}
