package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/helm"
)

// WithCharts returns the renderer with charts from registries. Without them, an app
// that names one has a problem.
func (r *Renderer) WithCharts(store *charts.Store) *Renderer {
	with := *r
	with.charts = store
	return &with
}

// Note remembers the content of the charts in a record.
func (r *Renderer) Note(known []charts.Chart) error {
	var errs []error
	for _, chart := range known {
		errs = append(errs, r.charts.Note(chart))
	}
	return errors.Join(errs...)
}

// archives is a revision with the charts that were fetched for one of its apps, under
// names that no revision has. Reading them is not an input: the revision names them by
// version.
type archives struct {
	fs.FS
	data map[string][]byte
}

// ReadFile implements fs.ReadFileFS.
func (a *archives) ReadFile(name string) ([]byte, error) {
	if data, ok := a.data[name]; ok {
		return data, nil
	}
	return fs.ReadFile(a.FS, name)
}

// ReadDir implements fs.ReadDirFS, because fs.ReadDir would open the folder.
func (a *archives) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(a.FS, name) }

// Stat implements fs.StatFS, because fs.Stat would open the file, which counts as
// reading it.
func (a *archives) Stat(name string) (fs.FileInfo, error) { return fs.Stat(a.FS, name) }

// wanted is the chart that an app names; ok is false if it names none.
func wanted(app appfile.App) (w helm.Wanted, ok bool) {
	w = helm.Wanted{
		Ref:    charts.Ref{Name: app.Helm.Chart, Version: app.Helm.Version, Repo: app.Helm.Repo},
		Digest: app.Helm.Digest, Source: manifest.Source{File: appfile.Name, Line: app.Helm.Line},
	}
	if app.Imported != "" {
		w.Source.File = app.Source.File
	}
	return w, app.Helm.Chart != ""
}

// fetch gets the charts that a job with some settings needs, and says where it has put them.
func (s *Session) fetch(ctx context.Context, files *archives, wants []helm.Wanted, settings appfile.Helm) ([]helm.Fetched, manifest.Problems) {
	var fetched []helm.Fetched
	var problems manifest.Problems
	for _, w := range wants {
		chosen, got, err := s.obtain(ctx, w, demanded(settings, w))
		if err != nil {
			problems = append(problems, s.unfetched(w, err, settings.Verify))
			continue
		}
		name := "@charts/" + got.Digest + ".tgz"
		files.data[name] = got.Data
		fetched = append(fetched, helm.Fetched{Ref: w.Ref, Exact: chosen.Exact(), File: name})
		s.use(w, chosen, got)
	}
	return fetched, problems
}

// fetchWithin bounds the total time of a session's requests to one registry that fail: however many
// apps a push has, it waits no longer for one that does not answer.
const fetchWithin = time.Minute

// obtain chooses the version of a chart or artifact, and gets it, with the signature that it has to
// have; nil for none.
func (s *Session) obtain(ctx context.Context, w helm.Wanted, verify *appfile.Verify) (charts.Choice, charts.Got, error) {
	host, before := hostOf(w.Repo), time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, fetchWithin-s.stalled[host], fmt.Errorf("%s did not answer for %s altogether", manifest.Clean(host), fetchWithin))
	defer cancel()
	var got charts.Got
	chosen, err := s.charts.Choose(ctx, w.Ref, s.credentials(), charts.Recent)
	if err == nil {
		got, err = s.get(ctx, chosen.Ref, w.Digest, verify)
	}
	if err != nil || chosen.Late != nil {
		s.stalled[host] += time.Since(before)
	}
	return chosen, got, err
}

// hostOf is the host in the address of a registry.
func hostOf(repo string) string {
	_, rest, _ := strings.Cut(repo, "://")
	host, _, _ := strings.Cut(rest, "/")
	return host
}

// unfetched is the problem of a chart or artifact that cannot be had, with the signature that it has
// to have; nil for none.
func (s *Session) unfetched(w helm.Wanted, err error, verify *appfile.Verify) manifest.Problem {
	problem := fetchProblem(w, err, s.charts.Local())
	ofSignature(&problem, err, verify)
	if _, withheld := errors.AsType[*charts.WithheldError](err); withheld {
		problem.Message += "; " + s.limit().Whose + " gives no credentials for it"
		problem.Hint, problem.Remedy = grant.HintCredentials, manifest.Remedy{}
	}
	return problem
}

// use notes that a chart or artifact was fetched for the app, once for all of its sources.
func (s *Session) use(w helm.Wanted, chosen charts.Choice, got charts.Got) {
	chart := charts.Chart{Ref: chosen.Ref, Digest: got.Digest}
	if w.Ref != chosen.Ref {
		chart.Asked = w.Version
		words := chart.Words()
		if chosen.Late != nil {
			words += "; that was before, and now " + chosen.Late.Error()
		}
		s.told = joined(s.told, words)
	}
	if got.By != "" {
		s.told = joined(s.told, fmt.Sprintf("%s is signed: %s", chosen.Ref, manifest.Clean(got.By)))
	}
	s.used = joined(s.used, chart)
	if got.Credential != "" {
		s.took = joined(s.took, grant.UsedChart{Chart: chosen.Short(), Credential: got.Credential})
	}
}

// joined is a list with an element, which it may have already.
func joined[T comparable](list []T, element T) []T {
	if slices.Contains(list, element) {
		return list
	}
	return append(list, element)
}

// fetchProblem says why a chart or artifact cannot be fetched; local is for a user who renders a
// folder without a server.
func fetchProblem(w helm.Wanted, err error, local bool) manifest.Problem {
	problem := manifest.Problem{Source: w.Source, Message: manifest.CleanLines(err.Error())}
	var mismatch *charts.MismatchError
	var refused *charts.NotAllowedError
	switch {
	case errors.As(err, &mismatch) && w.Kind == charts.OfArtifact:
		problem.Hint = "ask its publisher what was changed; then take another version, or name the manifest by its digest as the version"
	case errors.As(err, &mismatch):
		problem.Hint = "ask its publisher what was changed; then take another version, or set digest: " + mismatch.Have
	case errors.As(err, &refused):
		problem.Hint = allowHint(manifest.Clean(refused.Address), local)
		if w.Folder != "" && errors.Unwrap(err) == nil { // the dependency's own address
			problem.Message = fmt.Sprintf("the dependency %s is not in charts/, and nothing is fetched from %s", w.Name, manifest.Clean(w.Repo))
			problem.Hint = "run helm dependency build, and commit " + w.Folder + "/charts; or " + problem.Hint
		}
	case w.Check() != nil:
		problem.Hint = "name it, its version and the address of its registry"
	default:
		problem.Remedy = manifest.Again("when the registry answers")
	}
	return problem
}

// allowHint says how to allow charts from an address.
func allowHint(address string, local bool) string {
	if local {
		return "give --registry " + address + ", or --config FILE with it under charts.registries"
	}
	return "add " + address + " to charts.registries in the server's configuration"
}
