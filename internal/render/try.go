package render

import (
	"context"
	"io/fs"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Tried is what an app is rendered as from a revision that is on no branch yet.
type Tried struct {
	Objects []*manifest.Object
	Read    []string // the files that were read
}

// Try renders an app from another revision than the session's, as nobody sees it: what its
// objects must not show is noted only if hides is set, which takes more renderings.
func (s *Session) Try(ctx context.Context, fsys fs.FS, app appfile.App, hides bool) (Tried, manifest.Problems) {
	on := *s
	on.fsys = fsys
	tree, app, absent := on.withArtifacts(ctx, app)
	if len(absent) > 0 {
		return Tried{}, absent
	}
	files := on.filesOf(ctx, tree, app, nil)
	traced := trace(files)
	set, _, problems := on.substitutions(ctx, app)
	files.Conceal(set.Secrets()...)
	of := secretive{files, app, set}
	objects, wrong := on.build(ctx, traced, of)
	problems = append(problems, wrong...)
	if hides {
		hideOwn(objects)
		problems = on.conceal(ctx, of, objects, problems)
	}
	return Tried{Objects: objects, Read: traced.files()}, problems
}
