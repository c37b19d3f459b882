// Package render turns a folder of a revision into Kubernetes objects. It
// chooses the renderer; each kind of renderer has a package below this one.
// Plain manifests are read in the server itself, by its own bounded parser;
// everything that computes is run by a worker.
package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"sort"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/kustomize"
	"github.com/pushboat/pushboat/internal/render/plain"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// Result is what an app renders to.
type Result struct {
	// Objects are in the order of their files' paths, and in a file as they
	// were written; those that a tool makes are in the order in which it does.
	// They are as the author wrote them: no namespace is filled in. Two may have
	// one identity; that is the caller's to refuse, who knows which namespace is
	// meant where none is written.
	Objects []*manifest.Object
	// Digest is the hex SHA-256 of the objects. It does not depend on the files
	// and the order in which they are written.
	Digest string
	// Inputs are what was read; they never hold if there were problems.
	Inputs Inputs
}

// Renderer renders the apps of revisions.
type Renderer struct {
	workers *worker.Pool
}

// New returns a renderer that computes in the workers of a pool.
func New(workers *worker.Pool) *Renderer { return &Renderer{workers: workers} }

// Session renders apps of one revision, one after the other. Its methods are
// not for several goroutines at once; it has to be closed.
type Session struct {
	fsys   fs.FS
	worker *worker.Session
}

// Session begins to render the revision whose root is fsys.
func (r *Renderer) Session(fsys fs.FS) *Session {
	return &Session{fsys: fsys, worker: r.workers.Session()}
}

// Close lets go of what the session has used.
func (s *Session) Close() { s.worker.Close() }

// App renders an app. It returns all problems, each with the app's name; if
// there are any, the result is not to be applied.
func (s *Session) App(ctx context.Context, app appfile.App) (Result, manifest.Problems) {
	traced := trace(s.fsys)
	objects, problems := s.objects(ctx, traced, app)
	for i := range problems {
		problems[i].App = app.Name
	}
	problems.Sort()
	result := Result{Objects: objects, Digest: digest(objects)}
	if len(problems) == 0 {
		result.Inputs = traced.inputs(app.Path)
	}
	return result, problems
}

// objects renders an app by the renderer that it asks for, or that its folder
// looks like.
func (s *Session) objects(ctx context.Context, fsys fs.FS, app appfile.App) ([]*manifest.Object, manifest.Problems) {
	built := kustomize.Find(fsys, app.Path)
	switch {
	case app.Render == appfile.RenderKustomize, app.Render == appfile.RenderAuto && built != "":
		return s.inWorker(ctx, fsys, job{Render: appfile.RenderKustomize, Folder: app.Path, Kustomize: app.Kustomize})
	case !app.Kustomize.IsZero():
		return nil, manifest.Problems{{
			Source:  app.Source,
			Message: "kustomize: is set, and " + app.Path + " has no kustomization.yaml",
			Hint:    "add one, or take the setting out",
		}}
	}
	return plain.Render(fsys, plain.Folder{Path: app.Path, Exclude: app.Exclude})
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
