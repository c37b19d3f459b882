package render

import (
	"context"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/render/substitute"
)

// secretive is an app with what may be secret in it.
type secretive struct {
	files *secrets.Files
	app   appfile.App
	set   substitute.Set
}

// conceal has objects hide what is not to be shown of them: values out of encrypted
// files, and generated ones, where they stand as they are, and what a template has made
// of them. That cannot be searched for. It is what becomes another if the values are
// others: so an app that has such values is rendered again with others in their place,
// and what differs is concealed. Problems are held to the same, and returned as they
// may be told.
func (s *Session) conceal(ctx context.Context, of secretive, objects []*manifest.Object, problems manifest.Problems) manifest.Problems {
	for _, o := range objects {
		o.HideOwn()
	}
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
