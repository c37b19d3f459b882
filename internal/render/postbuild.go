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
		if _, has := post.Values[name]; has || post.Unread != "" {
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

// Guess says what stands for the values of ConfigMaps and Secrets that were not read.
type Guess struct {
	From []appfile.ValuesFrom
	// Unknown are the names for which the word unknown stands, and Default those with their
	// defaults; each in order.
	Unknown, Default []string
}

// guessed is what was guessed for an app's names; nil if nothing was.
func guessed(app appfile.App, post *substitute.PostBuild) *Guess {
	if post == nil || len(post.Guessed) == 0 {
		return nil
	}
	guess := &Guess{From: slices.DeleteFunc(slices.Clone(app.PostBuild.From), func(from appfile.ValuesFrom) bool { return from.Data != nil })}
	for _, name := range slices.Sorted(maps.Keys(post.Guessed)) {
		if post.Guessed[name] {
			guess.Default = append(guess.Default, name)
		} else {
			guess.Unknown = append(guess.Unknown, name)
		}
	}
	return guess
}

// String says it to people.
func (g *Guess) String() string { return g.Among(1) }

// Among is String where objects of the same names in so many namespaces were not read.
func (g *Guess) Among(namespaces int) string {
	from := make([]string, len(g.From))
	for i, one := range g.From {
		from[i] = one.Origin().String()
		if namespaces > 1 {
			from[i] = fmt.Sprintf("%s %s in %d namespaces", one.Kind, one.Name, namespaces)
		}
	}
	var parts []string
	for _, part := range []struct {
		names    []string
		one, all string
	}{{g.Unknown, " is unknown", " are unknown"}, {g.Default, " has its default", " have their defaults"}} {
		if text := few(part.names); len(part.names) == 1 {
			parts = append(parts, text+part.one)
		} else if len(part.names) > 1 {
			parts = append(parts, text+part.all)
		}
	}
	return manifest.Clean(strings.Join(from, ", ") + " not read: " + strings.Join(parts, "; "))
}

// maxNames bounds the names that a line lists.
const maxNames = 8

// few are the first of some names, and how many there are more.
func few(names []string) string {
	text := strings.Join(names[:min(len(names), maxNames)], ", ")
	if more := len(names) - maxNames; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
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
		message := fmt.Sprintf("there is no %s on cluster %s", origin, cluster)
		if from.File != appfile.Name { // else what apps make is not asked
			message += ", and no app of this revision makes it"
		}
		return nil, problem(message, "make it there first, or add optional: true if it need not be there")
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
