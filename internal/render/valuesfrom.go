package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// asks reports whether the app's cluster has to be asked for values.
func asks(app appfile.App) bool {
	return app.Substitute.Asks() || app.PostBuild.Asks() || app.AsksForValues()
}

// chartValues is withValues, with the digest of what the cluster has; "" if it is not asked.
func (s *Session) chartValues(ctx context.Context, app appfile.App) (appfile.App, string, manifest.Problems) {
	if !app.AsksForValues() {
		return app, "", nil
	}
	sum := sha256.New()
	app, problems := s.withValues(ctx, app, sum)
	return app, hex.EncodeToString(sum.Sum(nil)), problems
}

// withValues returns an app with the values for its charts that its cluster has in their place,
// and those of Secrets among its hidden texts. It adds to a digest what the cluster has.
func (s *Session) withValues(ctx context.Context, app appfile.App, sum io.Writer) (appfile.App, manifest.Problems) {
	var problems manifest.Problems
	app.Hidden = slices.Clip(app.Hidden)
	fill := func(helm *appfile.Helm) {
		if !helm.Asks() {
			return
		}
		values := make([]appfile.HelmValues, 0, len(helm.Values))
		for _, v := range helm.Values {
			if v.From == nil {
				values = append(values, v)
				continue
			}
			filled, problem := s.valuesOf(ctx, app.Cluster, *v.From)
			if problem != nil {
				problem.App = app.Name
				problems = append(problems, *problem)
			}
			if filled == nil {
				fmt.Fprintf(sum, "%q %q %q\n", v.From.Origin(), v.From.Key, v.From.Target)
				continue
			}
			fmt.Fprintf(sum, "%q %q %q %s\n", v.From.Origin(), v.From.Key, v.From.Target, filled.Inline)
			if filled.Secret {
				app.Hidden = append(app.Hidden, filled.Texts()...)
			}
			filled.Line = v.Line
			values = append(values, *filled)
		}
		helm.Values = values
	}
	keys := func(of **appfile.Verify) {
		if problem := s.withKeys(ctx, app.Cluster, of, sum); problem != nil {
			problem.App = app.Name
			problems = append(problems, *problem)
		}
	}
	fill(&app.Helm)
	keys(&app.Helm.Verify)
	keys(&app.Artifact.Verify)
	app.Sources = slices.Clone(app.Sources)
	for i := range app.Sources {
		fill(&app.Sources[i].Helm)
		keys(&app.Sources[i].Helm.Verify)
		keys(&app.Sources[i].Artifact.Verify)
	}
	return app, problems
}

// valuesOf reads values for a chart from a cluster; nil if there are none, and need not be.
// Where no cluster is asked, one value is a stand-in, and a mapping of them is not there.
func (s *Session) valuesOf(ctx context.Context, cluster string, from appfile.HelmFrom) (*appfile.HelmValues, *manifest.Problem) {
	if s.data == nil || s.blind {
		if from.Target == "" {
			return nil, nil
		}
		from.Text = true
		filled, err := from.Filled(map[string]string{from.Key: standIn(from.Origin())})
		return filled, s.wrongValues(from, err, "")
	}
	data, problem := s.valuesFrom(ctx, cluster, from.ValuesFrom)
	if problem != nil || data == nil {
		return nil, problem
	}
	filled, err := from.Filled(data)
	return filled, s.wrongValues(from, err, appfile.HintKeys(data))
}

// wrongValues is the problem of values that cannot be taken; nil without an error.
func (s *Session) wrongValues(from appfile.HelmFrom, err error, hint string) *manifest.Problem {
	if err == nil {
		return nil
	}
	return &manifest.Problem{Source: from.Source(), Message: err.Error(), Hint: hint}
}
