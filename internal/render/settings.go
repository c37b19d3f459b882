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

// concealSettings hides in objects what the chart of an app has made of the hidden texts in
// its values, whatever a template did to them: the chart is rendered again with other texts,
// and each difference is concealed.
func (s *Session) concealSettings(ctx context.Context, of secretive, objects []*manifest.Object, problems manifest.Problems) manifest.Problems {
	if len(of.app.Hidden) == 0 || len(of.app.Helm.Values) == 0 || len(problems) > 0 {
		return nil
	}
	variants := make([][]*manifest.Object, 0, substitute.Variants)
	for i := range substitute.Variants {
		other := of
		other.app.Helm.Values = withOthers(of.app.Helm.Values, of.app.Hidden, i+1)
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

// withOthers are values with other texts in place of the hidden ones.
func withOthers(values []appfile.HelmValues, hidden []string, variant int) []appfile.HelmValues {
	with := slices.Clone(values)
	for i, value := range with {
		for _, text := range hidden {
			value.Inline = bytes.ReplaceAll(value.Inline, inQuotes(text), inQuotes(substitute.Other(text, variant)))
		}
		with[i].Inline = value.Inline
	}
	return with
}

// inQuotes is a text as JSON has it, inside of its quotes.
func inQuotes(text string) []byte {
	written, err := json.Marshal(text)
	if err != nil || len(written) < 2 {
		return []byte(text)
	}
	return written[1 : len(written)-1]
}
