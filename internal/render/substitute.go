package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/render/substitute"
)

// source is a ConfigMap or Secret of a cluster.
type source struct {
	cluster string
	appfile.Origin
}

// answer is a cluster's answer about a source.
type answer struct {
	data Data
	err  error
}

// namesOf returns the names that are replaced in an app.
func namesOf(app appfile.App) []string {
	var names []string
	for _, n := range app.Substitute.Names {
		names = append(names, n.Name)
	}
	return names
}

// substitutions returns the values of an app's names, with a digest of those that come
// from its cluster.
func (s *Session) substitutions(ctx context.Context, app appfile.App) (substitute.Set, string, manifest.Problems) {
	set := substitute.Set{Prefix: app.Substitute.Prefix, Values: map[string]substitute.Value{}}
	var problems manifest.Problems
	sum := sha256.New()
	for _, n := range app.Substitute.Names {
		value := substitute.Value{Text: n.Text, Alone: n.Value}
		given, isGiven := s.given[n.Name]
		switch {
		case isGiven:
			value = fromText(given, n.From.Kind)
		case n.From != (appfile.Origin{}):
			text, problem := s.fromCluster(ctx, app.Cluster, n)
			if problem != nil {
				problems = append(problems, *problem)
				set.Values[n.Name] = substitute.Value{Missing: true}
				continue
			}
			value = fromText(text, n.From.Kind)
			fmt.Fprintf(sum, "%q %q\n", n.Name, text)
		}
		set.Values[n.Name] = value
	}
	wrong := s.postBuild(ctx, app, &set, sum)
	problems = append(problems, wrong...)
	if !app.Substitute.Asks() && !app.PostBuild.Asks() {
		return set, "", problems
	}
	return set, hex.EncodeToString(sum.Sum(nil)), problems
}

// fromText is the value of a text that was not written as YAML. A value from a Secret
// is always text: a password may look like a number.
func fromText(text, kind string) substitute.Value {
	value := substitute.Value{Text: text, Alone: text, Secret: kind == "Secret"}
	if value.Secret {
		return value
	}
	var read any
	if json.Unmarshal([]byte(text), &read) == nil {
		switch read.(type) {
		case float64, bool:
			value.Alone = manifest.Plain(text)
		}
	}
	return value
}

// standIn replaces a value of a cluster that is not read.
func standIn(from appfile.Origin) string {
	if from.Kind == manifest.SecretKind.Kind {
		return secrets.Placeholder
	}
	return unknown
}

// fromCluster reads a value from a cluster.
func (s *Session) fromCluster(ctx context.Context, cluster string, n appfile.Substitution) (string, *manifest.Problem) {
	problem := func(message, hint string) *manifest.Problem {
		return &manifest.Problem{
			Source: manifest.Source{File: appfile.Name, Line: n.Line}, Message: fmt.Sprintf("substitute: %s: %s", n.Name, message), Hint: hint,
		}
	}
	if s.data == nil {
		return "", problem(fmt.Sprintf("its value is in %s of cluster %s, which is not asked here", n.From, cluster), fmt.Sprintf("give it: --substitute %s=VALUE", n.Name))
	}
	if s.blind {
		return standIn(n.From), nil
	}
	found := s.lookUp(ctx, source{cluster, n.From})
	switch {
	case errors.Is(found.err, ErrServersOwn):
		return "", problem(fmt.Sprintf("read %s of cluster %s: %v", n.From, cluster, found.err), "copy the value to a namespace of yours, and name that")
	case refusalOf(found.err) != "":
		return "", problem(fmt.Sprintf("read %s of cluster %s: %v", n.From, cluster, found.err), refusalOf(found.err))
	case found.err != nil:
		unread := problem(fmt.Sprintf("read %s of cluster %s: %v", n.From, cluster, found.err), "")
		if unread.Lacks = manifest.LackedBy(found.err); unread.Lacks == (manifest.Right{}) {
			unread.Remedy = manifest.Again("when it answers")
		}
		return "", unread
	case found.data == nil:
		return "", problem(fmt.Sprintf("there is no %s on cluster %s", n.From, cluster), "make it there first, or write the value under substitute.values")
	}
	value, ok := found.data[n.From.Key]
	switch {
	case !ok:
		hint := "it has no keys"
		if keys := slices.Sorted(maps.Keys(found.data)); len(keys) > 0 {
			hint = "its keys are " + strings.Join(keys[:min(len(keys), 8)], ", ")
		}
		return "", problem(fmt.Sprintf("%s of cluster %s has no key %s", n.From, cluster, n.From.Key), hint)
	case len(value) > substitute.MaxValue || !utf8.Valid(value):
		return "", problem(fmt.Sprintf("the key %s of %s is not text of at most %d bytes", n.From.Key, n.From, substitute.MaxValue), "name another key")
	}
	return string(value), nil
}

// refusalOf is the next thing to try for whoever may not read a value; "" if the error is of
// another kind.
func refusalOf(err error) string {
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return refused.Hint
	}
	return ""
}

// readWithin bounds the total time of a session's unanswered questions.
const readWithin = 15 * time.Second

// lookUp asks a cluster for a source, once a session.
func (s *Session) lookUp(ctx context.Context, from source) answer {
	from.Key = ""
	found, asked := s.read[from]
	if !asked {
		before := time.Now()
		ctx, cancel := context.WithTimeout(ctx, readWithin-s.waited)
		defer cancel()
		defer func() {
			if found.err != nil {
				s.waited += time.Since(before)
			}
		}()
		found.data, found.err = s.data(ctx, s.repo, from.cluster, from.Origin)
		s.read[from] = found
	}
	return found
}
