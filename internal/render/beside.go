package render

import (
	"io/fs"
	"path"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/plain"
	"github.com/pushboat/pushboat/internal/render/substitute"
)

// beside renders the manifests that an app has beside its chart; made are the chart's
// objects.
func beside(fsys fs.FS, app appfile.App, made []*manifest.Object) ([]*manifest.Object, manifest.Problems) {
	if len(app.Manifests) == 0 {
		return nil, nil
	}
	parts, problems := partsOf(app)
	if len(parts) == 0 {
		return nil, problems
	}
	read, wrong := plain.Render(fsys, plain.Folder{Path: app.Path, Exclude: app.Exclude, Mark: substitute.NewMarks(namesOf(app)).Scalar, Parts: parts})
	written, twice := unmade(app.Namespace, made, read.Objects)
	return written, append(append(problems, wrong...), twice...)
}

// partsOf returns the manifests of an app as paths in the revision.
func partsOf(app appfile.App) ([]plain.Part, manifest.Problems) {
	var parts []plain.Part
	var problems manifest.Problems
	for _, m := range app.Manifests {
		part := plain.Part{Path: path.Join(app.Path, m.Path), Source: manifest.Source{File: appfile.Name, Line: m.Line}}
		if part.Path == ".." || strings.HasPrefix(part.Path, "../") {
			problems = append(problems, manifest.Problem{
				Source: part.Source, Message: "manifests: " + m.Path + " leads out of the repository", Hint: "the path is from the app's folder, " + app.Path,
				Remedy: manifest.Remedy{Kind: manifest.RemedyRepository},
			})
			continue
		}
		parts = append(parts, part)
	}
	return parts, problems
}

// unmade returns the manifests of objects that the chart does not make. It does not
// know which kinds are namespaced, so it leaves objects that differ only in that to the
// plan.
func unmade(namespace string, made, written []*manifest.Object) ([]*manifest.Object, manifest.Problems) {
	id := func(o *manifest.Object) manifest.ID {
		id := o.ID()
		if id.Namespace == "" {
			id.Namespace = namespace
		}
		return id
	}
	first := make(map[manifest.ID]manifest.Source, len(made))
	for _, o := range made {
		first[id(o)] = o.Source
	}
	var others []*manifest.Object
	var problems manifest.Problems
	for _, o := range written {
		at, twice := first[id(o)]
		if !twice {
			others = append(others, o)
			continue
		}
		problems = append(problems, manifest.Problem{
			Source: o.Source, Object: o.ID().String(),
			Message: "is written twice; the chart makes it at " + at.String(), Hint: "remove one of the two, or switch it off in the chart's values",
		})
	}
	return others, problems
}
