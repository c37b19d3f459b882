package render

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/substitute"
)

// concealSettings hides in objects what has been made of the hidden texts in the settings of an
// app, its values and patches, whatever a template did to them: the app is rendered again with
// other texts, and each difference is concealed.
func (s *Session) concealSettings(ctx context.Context, of secretive, objects []*manifest.Object, problems manifest.Problems) manifest.Problems {
	if len(of.app.Hidden) == 0 || len(problems) > 0 {
		return nil
	}
	variants := make([][]*manifest.Object, 0, substitute.Variants)
	for i := range substitute.Variants {
		other := of
		other.app = withOthers(of.app, i+1)
		if made, wrong := s.build(ctx, of.files, other); len(wrong) == 0 {
			variants = append(variants, made)
		}
	}
	var found manifest.Problems
	for _, o := range objects {
		var twins []manifest.Variant
		for _, variant := range variants {
			if at := slices.IndexFunc(variant, func(twin *manifest.Object) bool { return twin.ID() == o.ID() }); at >= 0 {
				twins = append(twins, manifest.Variant{Object: variant[at].Object, Same: differs})
			}
		}
		if len(twins) == 0 && len(variants) > 0 && !o.Random {
			found = append(found, manifest.Problem{
				Source: o.Source, Object: o.GetKind(), Message: "its name or namespace is made of a value of a Secret, or there is such an object because of one, and names are shown everywhere",
				Hint: "take the name from a value that is no secret",
			})
		}
		o.ConcealDependent(twins)
		o.Hide(of.app.Hidden...)
	}
	return found
}

// differs never takes two texts for the same.
func differs(string, string) bool { return false }

// withOthers is an app with other texts in place of the hidden ones.
func withOthers(app appfile.App, variant int) appfile.App {
	replaced := func(text json.RawMessage) json.RawMessage {
		for _, hidden := range app.Hidden {
			text = bytes.ReplaceAll(text, inQuotes(hidden), inQuotes(substitute.Other(hidden, variant)))
		}
		return text
	}
	app.Helm.Values, app.Helm.PostRender = slices.Clone(app.Helm.Values), slices.Clone(app.Helm.PostRender)
	for i := range app.Helm.Values {
		app.Helm.Values[i].Inline = replaced(app.Helm.Values[i].Inline)
	}
	for i := range app.Helm.PostRender {
		app.Helm.PostRender[i].Patches = replaced(app.Helm.PostRender[i].Patches)
	}
	app.Kustomize.Patches = replaced(app.Kustomize.Patches)
	return app
}

// inQuotes is a text as JSON has it, inside of its quotes.
func inQuotes(text string) []byte {
	written, err := json.Marshal(text)
	if err != nil || len(written) < 2 {
		return []byte(text)
	}
	return written[1 : len(written)-1]
}
