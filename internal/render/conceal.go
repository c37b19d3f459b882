package render

import (
	"context"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/render/substitute"
)

// secretive is an app that may contain secrets.
type secretive struct {
	files *secrets.Files
	app   appfile.App
	set   substitute.Set
}

// conceal hides secret values in objects: values from encrypted files, and generated
// ones, both as they are and as a template has transformed them. A search cannot find
// transformed values, but they change when the values change. So an app with such
// values is rendered again with other values in their place, and every difference is
// concealed. Problems are treated in the same way, and returned in a form that may be
// shown.
func (s *Session) conceal(ctx context.Context, of secretive, objects []*manifest.Object, problems manifest.Problems) manifest.Problems {
	problems = of.files.Told(problems)
	if !of.files.Varies() {
		return problems
	}
	of.files.Hide(objects)
	variants := make([]secrets.Rendered, secrets.Variants)
	for i := range variants {
		files := of.files.Variant(i + 1)
		rendered, wrong := s.build(ctx, files, secretive{files, of.app, of.set})
		variants[i] = secrets.Rendered{Files: files, Objects: rendered, Problems: files.Told(wrong)}
	}
	problems = of.files.TellAs(problems, variants)
	return append(problems, of.files.ConcealIn(objects, variants)...)
}

// hideOwn has Secrets, which may be among other objects, hide their own values.
func hideOwn(objects []*manifest.Object) {
	for _, o := range objects {
		o.HideOwn()
	}
}
