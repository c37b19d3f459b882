package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mount"
	"github.com/pushboat/pushboat/internal/render/artifact"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/helm"
)

// maxOpened bounds the artifacts that a session keeps unpacked: many apps may be folders of one.
const maxOpened = 4

// withArtifacts returns the revision with the artifacts that an app is rendered from, and the app
// with the folders in these as its paths.
func (s *Session) withArtifacts(ctx context.Context, app appfile.App) (fs.FS, appfile.App, manifest.Problems) {
	if app.Artifact.IsZero() && !slices.ContainsFunc(app.Sources, func(other appfile.Addition) bool { return !other.Artifact.IsZero() }) {
		return s.fsys, app, nil
	}
	tree := mount.On(s.fsys, appfile.Artifacts)
	var problems manifest.Problems
	mounted := func(a appfile.Artifact, folder string, helm appfile.Helm) (string, appfile.Helm) {
		if a.IsZero() {
			return folder, helm
		}
		inside, problem := s.mountArtifact(ctx, tree, app, a)
		if problem != nil {
			problem.App = app.Name
			problems = append(problems, *problem)
			return folder, helm
		}
		at := path.Join(appfile.Artifacts, inside)
		return at, seenFrom(at, folder, helm)
	}
	app.Path, app.Helm = mounted(app.Artifact, app.Path, app.Helm)
	app.Sources = slices.Clone(app.Sources)
	for i := range app.Sources {
		one := &app.Sources[i]
		one.Path, one.Helm = mounted(one.Artifact, one.Path, one.Helm)
	}
	return tree, app, problems
}

// seenFrom has the files of values of a chart, which are the repository's, named as from another
// folder than theirs.
func seenFrom(at, folder string, helm appfile.Helm) appfile.Helm {
	up := strings.Repeat("../", strings.Count(at, "/")+1)
	named := func(file string) string {
		if _, inChart := appfile.InChart(file); inChart || file == "" {
			return file
		}
		return up + path.Join(folder, file)
	}
	helm.Values, helm.Parameters = slices.Clone(helm.Values), slices.Clone(helm.Parameters)
	for i := range helm.Values {
		helm.Values[i].File = named(helm.Values[i].File)
	}
	for i := range helm.Parameters {
		helm.Parameters[i].File = named(helm.Parameters[i].File)
	}
	return helm
}

// named are the files of values for a chart that an app names.
func named(app appfile.App) []string {
	var files []string
	for _, values := range app.Helm.Values {
		files = append(files, path.Join(app.Path, values.File))
	}
	for _, parameter := range app.Helm.Parameters {
		files = append(files, path.Join(app.Path, parameter.File))
	}
	return files
}

// mountArtifact fetches and unpacks an artifact, and mounts it. It returns where the folder that is
// meant is then.
func (s *Session) mountArtifact(ctx context.Context, tree *mount.Tree, app appfile.App, a appfile.Artifact) (at string, _ *manifest.Problem) {
	repo, called := a.Split()
	w := helm.Wanted{
		Ref:    charts.Ref{Name: called, Version: a.Version, Repo: repo, Kind: charts.OfArtifact, Layer: a.Layer},
		Source: a.Source(),
	}
	chosen, got, err := s.obtain(ctx, w, a.Verify)
	if err != nil {
		problem := s.unfetched(w, err, a.Verify)
		if _, refused := errors.AsType[*charts.NotAllowedError](err); refused && app.Imported != "" {
			problem.Hint += fmt.Sprintf("\nor, if the pipeline of this repository pushes it: import: {self: [%s]} in %s", manifest.Clean(a.URL), appfile.Name)
		}
		return "", &problem
	}
	unpacked, err := s.open(got, a.Ignore)
	if err != nil {
		problem := &manifest.Problem{Source: w.Source, Message: fmt.Sprintf("%s: %s", chosen.Ref, manifest.Clean(err.Error()))}
		if of, ok := errors.AsType[*artifact.Error](err); ok {
			problem.Hint = of.Hint
		}
		return "", problem
	}
	folder, is := unpacked.Folder(a.Path)
	if !is {
		return "", &manifest.Problem{Source: w.Source, Message: fmt.Sprintf("%s has no folder %s", chosen.Ref, manifest.Clean(a.Path)), Hint: "name one that it has, or . for its root"}
	}
	s.use(w, chosen, got)
	element := elementOf(w.Ref, chosen)
	for tree.Has(element) {
		element += "+"
	}
	tree.Put(element, unpacked)
	return path.Join(element, folder), nil
}

// open unpacks an artifact, once for apps that are rendered one after the other.
func (s *Session) open(got charts.Got, ignore string) (*artifact.Tree, error) {
	key := got.Digest + " " + ignore
	if before, is := s.opened[key]; is {
		return before.tree, before.err
	}
	if len(s.opened) >= maxOpened {
		clear(s.opened)
	}
	tree, err := artifact.Unpack(got.Data, got.Digest, ignore)
	s.opened[key] = opened{tree, err}
	return tree, err
}

// opened is an artifact as it was unpacked, or why it cannot be.
type opened struct {
	tree *artifact.Tree
	err  error
}

// elementOf names the folder in which an artifact is mounted, for people: it is in front of the
// paths of its files.
func elementOf(asked charts.Ref, chosen charts.Choice) string {
	version := chosen.Version
	if tag, tagged := strings.CutPrefix(asked.Version, charts.Tagged); tagged {
		version = tag
	}
	return asked.Name + "@" + strings.ReplaceAll(version, ":", "-")
}
