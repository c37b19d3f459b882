package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/substitute"
)

// postBuild adds to a set what is done to an app's objects in the end, and to a digest the
// values that come from its cluster.
func (s *Session) postBuild(ctx context.Context, app appfile.App, set *substitute.Set, sum io.Writer) manifest.Problems {
	if app.PostBuild.IsZero() {
		return nil
	}
	post := &substitute.PostBuild{
		Values: map[string]string{}, Secret: map[string]bool{}, Always: app.PostBuild.Always,
		Labels: app.PostBuild.Labels, Annotations: app.PostBuild.Annotations,
	}
	set.Post = post
	var problems manifest.Problems
	if app.PostBuild.Asks() && (s.blind || s.data == nil) {
		post.Unread = unknown
	}
	for _, from := range app.PostBuild.From {
		data, problem := s.valuesFrom(ctx, app.Cluster, from)
		if problem != nil {
			problem.App = app.Name
			problems = append(problems, *problem)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(data)) {
			post.Values[name] = oneLine(data[name])
			post.Secret[name] = from.Secret || from.Kind == manifest.SecretKind.Kind
			if from.Data == nil {
				fmt.Fprintf(sum, "%q %q %q\n", from.Origin(), name, data[name])
			}
		}
	}
	for name, value := range app.PostBuild.Values {
		post.Values[name] = oneLine(value)
		post.Secret[name] = slices.ContainsFunc(app.Hidden, func(hidden string) bool { return strings.Contains(value, hidden) })
	}
	for name, value := range s.given {
		if _, has := post.Values[name]; has {
			post.Values[name] = oneLine(value)
		}
	}
	for name, secret := range post.Secret {
		if !secret {
			delete(post.Secret, name)
		}
	}
	return problems
}

// oneLine is a value as Flux takes it: without ends of lines (fluxcd/pkg/kustomize,
// SubstituteVariables), so that it cannot end the line that it stands on.
func oneLine(value string) string { return strings.ReplaceAll(value, "\n", "") }

// valuesFrom reads all values of a ConfigMap or Secret of a cluster.
func (s *Session) valuesFrom(ctx context.Context, cluster string, from appfile.ValuesFrom) (map[string]string, *manifest.Problem) {
	origin := from.Origin()
	problem := func(message, hint string) *manifest.Problem {
		return &manifest.Problem{Source: from.Source(), Message: message, Hint: hint}
	}
	switch {
	case from.Data != nil:
		return from.Data, nil
	case s.data == nil, s.blind:
		return nil, nil
	}
	found := s.lookUp(ctx, source{cluster, origin})
	switch {
	case errors.Is(found.err, ErrServersOwn):
		return nil, problem(fmt.Sprintf("read %s of cluster %s: %v", origin, cluster, found.err), "copy the values to a namespace of yours, and name that")
	case refusalOf(found.err) != "":
		return nil, problem(fmt.Sprintf("read %s of cluster %s: %v", origin, cluster, found.err), refusalOf(found.err))
	case found.err != nil:
		unread := problem(fmt.Sprintf("read %s of cluster %s: %v", origin, cluster, found.err), "")
		if unread.Lacks = manifest.LackedBy(found.err); unread.Lacks == (manifest.Right{}) {
			unread.Remedy = manifest.Again("when it answers")
		}
		return nil, unread
	case found.data == nil && from.Optional:
		return nil, nil
	case found.data == nil:
		return nil, problem(fmt.Sprintf("there is no %s on cluster %s, and no app of this revision makes it", origin, cluster), "make it there first, or add optional: true if it need not be there")
	}
	values := make(map[string]string, len(found.data))
	for name, value := range found.data {
		if len(value) > substitute.MaxValue {
			return nil, problem(fmt.Sprintf("the key %s of %s has more than %d bytes", name, origin, substitute.MaxValue), "name another object")
		}
		values[name] = string(value)
	}
	return values, nil
}
