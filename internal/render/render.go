// Package render turns a folder of a revision into Kubernetes objects. It chooses the
// renderer; each kind of renderer has a package below this one. The server's own
// bounded parser reads plain manifests; a worker runs everything that computes.
package render

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/mount"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/generated"
	"github.com/pushboat/pushboat/internal/render/helm"
	"github.com/pushboat/pushboat/internal/render/kustomize"
	"github.com/pushboat/pushboat/internal/render/plain"
	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/render/substitute"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// Result is the result of rendering an app.
type Result struct {
	// Objects are in the order of their files' paths, and of their places in a file;
	// objects that a tool makes are in the tool's order. They are as the author wrote
	// them: no namespace is filled in. Two may have one identity; the caller must
	// refuse that, since it knows which namespace an object without one goes to.
	Objects []*manifest.Object
	// Digest is the hex SHA-256 of the objects. It does not depend on the files and the
	// order in which they are written.
	Digest string
	// Inputs are the files that were read; they never hold if there were problems.
	Inputs Inputs
	// Taken are the inputs from elsewhere than the revision.
	Taken Taken
	// Took says, for people, which version was taken for each range and tag.
	Took []string
	// Guess says what stands for values that were not read; nil: nothing.
	Guess *Guess
	// Plain are the Secrets with values that come from no encrypted file.
	Plain []secrets.Plain
	// Charts are the charts from registries that were used.
	Charts []charts.Chart
	// Used is what it took of the server's keys and credentials.
	Used grant.Used
	// Computed says that a worker has rendered the objects, so the next rendering may
	// differ; otherwise the objects are as written.
	Computed bool
	// Read is the argument for Again; nil if the objects depend on more than their
	// files.
	Read *plain.Read
}

// Data is the content of a ConfigMap or Secret of a cluster; nil if it does not exist.
type Data map[string][]byte

// ReadData reads the ConfigMap or Secret that an origin names, for a repository.
type ReadData func(ctx context.Context, repo name.Repo, cluster string, from appfile.Origin) (Data, error)

// ErrServersOwn is the error of a ReadData that reads nothing of the server itself.
var ErrServersOwn = errors.New("its namespace is this server's own, and no app reads it")

// RefusedError is the error of a ReadData that may not read the object: the repository's
// grant does not give it.
type RefusedError struct{ Message, Hint string }

// Error says why.
func (e *RefusedError) Error() string { return e.Message }

// AskCluster returns the data about a cluster that charts may ask for.
type AskCluster func(ctx context.Context, name string) (helm.Cluster, error)

// Renderer renders the apps of revisions.
type Renderer struct {
	workers *worker.Pool
	ask     AskCluster
	data    ReadData
	repo    name.Repo // whose apps are rendered, see For
	given   map[string]string
	keys    *secrets.Decrypter
	charts  *charts.Store
	blind   bool // see Blind
	grants  Grants
}

// New returns a renderer that computes in the workers of a pool. Without ask, it cannot
// render charts.
func New(workers *worker.Pool, ask AskCluster) *Renderer {
	return &Renderer{workers: workers, ask: ask}
}

// WithKeys returns the renderer with a decrypter. Without one, encrypted files are
// problems.
func (r *Renderer) WithKeys(keys *secrets.Decrypter) *Renderer {
	with := *r
	with.keys = keys
	return &with
}

// WithData returns the renderer with a reader of values for substitution from clusters.
// Without it, an app that needs one has a problem.
func (r *Renderer) WithData(read ReadData) *Renderer {
	with := *r
	with.data = read
	return &with
}

// For returns the renderer for the apps of a repository.
func (r *Renderer) For(repo name.Repo) *Renderer {
	if r.repo == repo {
		return r
	}
	with := *r
	with.repo = repo
	return &with
}

// WithValues returns the renderer with values, by name, that replace those that
// pushboat.yaml gives or names.
func (r *Renderer) WithValues(given map[string]string) *Renderer {
	with := *r
	with.given = given
	return &with
}

// Session renders apps of one revision, one after the other. Its methods are not safe
// for concurrent use; the caller must close it.
type Session struct {
	*Renderer
	fsys    fs.FS
	opened  map[string]opened // artifacts, see open
	worker  *worker.Session
	read    map[source]answer        // from clusters, each asked once
	stalled map[string]time.Duration // the time spent on registries that did not answer, by their hosts
	took    []grant.UsedChart        // with credentials, by the app that is being rendered
	about   map[string]facts         // about clusters, each asked once
	waited  time.Duration            // the time spent on clusters that did not answer
	used    []charts.Chart           // by the app that is being rendered
	told    []string                 // of what was chosen for the app that is being rendered
	look    charts.Look              // of Stands
	worked  bool                     // a worker has rendered the app
	depends bool                     // the output of the app's charts may depend on the cluster
	before  *plain.Read              // of the app, for the next build
	found   *plain.Read              // of the last build; nil if it is not plain
}

// Session returns a session for the revision whose root is fsys.
func (r *Renderer) Session(fsys fs.FS) *Session { return r.SessionFor(fsys, "", nil) }

// SessionFor is Session for an operator; workers are shared fairly among operators.
// told gets a line when the session has to wait for a worker; it may be nil.
func (r *Renderer) SessionFor(fsys fs.FS, operator string, told func(line string)) *Session {
	waits := func(w worker.Wait) {
		if told != nil {
			told(w.String())
		}
	}
	return &Session{Renderer: r, fsys: fsys, worker: r.workers.Session(operator, waits), look: charts.Known, opened: map[string]opened{}, stalled: map[string]time.Duration{}, read: map[source]answer{}, about: map[string]facts{}}
}

// Close releases the session's worker.
func (s *Session) Close() { s.worker.Close() }

// App renders an app, with placeholders for its generated values. It returns all
// problems, each with the app's name; if there are any, the result must not be applied.
func (s *Session) App(ctx context.Context, app appfile.App) (Result, manifest.Problems) {
	return s.render(ctx, app, nil, nil)
}

// AppWith is App with generated values, by their paths. Missing ones are placeholders.
func (s *Session) AppWith(ctx context.Context, app appfile.App, texts map[string]string) (Result, manifest.Problems) {
	return s.render(ctx, app, texts, nil)
}

// Again is App for an app that was rendered before, at another revision: unchanged
// manifests are not read again, and their objects are the same pointers, not copies.
func (s *Session) Again(ctx context.Context, app appfile.App, before *plain.Read) (Result, manifest.Problems) {
	return s.render(ctx, app, nil, before)
}

// render renders an app with generated values, building upon the files read before.
func (s *Session) render(ctx context.Context, app appfile.App, texts map[string]string, before *plain.Read) (Result, manifest.Problems) {
	asked := app
	app, chartValues, unfilled := s.chartValues(ctx, app)
	if len(unfilled) > 0 { // without them, a chart has other problems
		return Result{}, unfilled
	}
	folder := app.Path
	s.used, s.told, s.took, s.worked, s.depends = nil, nil, nil, false, false
	tree, app, absent := s.withArtifacts(ctx, app)
	if len(absent) > 0 {
		return Result{}, absent
	}
	files := s.filesOf(ctx, tree, app, texts)
	traced := trace(files)
	set, values, unknown := s.substitutions(ctx, app)
	values += chartValues
	files.Conceal(set.Secrets()...)
	files.Conceal(app.Hidden...)
	of := secretive{files, app, set}
	objects, found, problems := s.buildAfter(ctx, traced, of, before)
	if before != nil && files.Decrypted() { // the objects of before do not conceal it, and must not be changed
		return s.render(ctx, asked, texts, nil)
	}
	used, took, told := s.used, s.took, s.told
	guess := guessed(app, set.Post)
	if guess != nil {
		told = append(told, guess.String())
	}
	hideOwn(secretsOf(objects, found))
	problems = append(problems, s.concealSettings(ctx, of, objects, problems)...)
	problems = append(unknown, s.conceal(ctx, of, objects, problems)...)
	if len(unknown) > 0 {
		objects, found = nil, nil // without their values they mean nothing
	}
	for i := range problems {
		problems[i].App = app.Name
		if at := &problems[i].Source; app.Imported != "" && at.File == appfile.Name {
			*at = manifest.Source{File: app.Source.File, Line: cmp.Or(at.Line, app.Source.Line)} // its settings are there
		}
	}
	problems.Sort()
	result := Result{Objects: objects, Digest: digest(objects, found), Taken: Taken{values, s.clusterTaken(app), chartsTaken(used)}, Took: told, Guess: guess, Plain: files.Plain(secretsOf(objects, found)), Charts: used, Computed: s.worked, Used: grant.Used{Files: files.Used(), Charts: took}}
	if len(problems) == 0 {
		result.Inputs = traced.inputs(folder)
		if !files.Decrypted() {
			result.Read = found
		}
	}
	return result, problems
}

// secretsOf are those of the objects that may be Secrets: all, or the special ones among
// what was found.
func secretsOf(objects []*manifest.Object, found *plain.Read) []*manifest.Object {
	if found != nil {
		return found.Special
	}
	return objects
}

// buildAfter builds an app that was rendered before. It returns the state that the next
// rendering can build upon; nil if the objects depend on more than their files.
func (s *Session) buildAfter(ctx context.Context, fsys fs.FS, of secretive, before *plain.Read) ([]*manifest.Object, *plain.Read, manifest.Problems) {
	replaces := !of.app.Substitute.IsZero() || !of.app.PostBuild.IsZero() || len(of.app.Sources) > 0 || !of.app.Artifact.IsZero()
	if !replaces {
		s.before = before
	}
	s.found = nil
	objects, problems := s.build(ctx, fsys, of)
	found := s.found
	s.before, s.found = nil, nil
	if replaces {
		found = nil
	}
	return objects, found, problems
}

// filesOf returns a revision as an app reads it: in the clear and with generated
// values.
func (s *Session) filesOf(ctx context.Context, tree fs.FS, app appfile.App, values map[string]string) *secrets.Files {
	files := s.keys.Files(ctx, tree, s.limit())
	if declared := app.Helm.Generated; len(declared) > 0 {
		texts := generated.Placeholders(declared)
		maps.Copy(texts, values)
		files.Give(texts)
	}
	return files
}

// build renders an app from the files in fsys, with its generated values, and replaces
// names in the objects.
func (s *Session) build(ctx context.Context, fsys fs.FS, of secretive) ([]*manifest.Object, manifest.Problems) {
	objects, problems := s.objects(ctx, fsys, of.app, of.files.Given())
	objects, wrong := of.set.Apply(objects)
	return objects, append(wrong, problems...)
}

// objects renders an app with everything that it has beside its own folder.
func (s *Session) objects(ctx context.Context, fsys fs.FS, app appfile.App, values map[string]string) ([]*manifest.Object, manifest.Problems) {
	objects, problems := s.source(ctx, fsys, app, values)
	for _, other := range app.Sources {
		more, wrong := s.source(ctx, fsys, app.With(other), nil)
		objects, problems = append(slices.Clip(objects), more...), append(problems, wrong...)
	}
	return objects, problems
}

// source renders an app's folder by the renderer that the app names, or that fits the folder.
func (s *Session) source(ctx context.Context, fsys fs.FS, app appfile.App, values map[string]string) ([]*manifest.Object, manifest.Problems) {
	kind := app.Render
	switch {
	case app.Helm.Chart != "":
		kind = appfile.RenderHelm
	case kind == appfile.RenderAuto:
		kind = detect(fsys, app.Path)
	}
	if problem := unused(app, kind); problem != nil {
		return nil, manifest.Problems{*problem}
	}
	if root := appfile.MountOf(app.Path); root != "" {
		fsys = mount.Only(fsys, root, named(app)...) // who makes it gets nothing else of this repository
	}
	switch kind {
	case appfile.RenderKustomize:
		if problem := absent(fsys, app); problem != nil {
			return nil, manifest.Problems{*problem}
		}
		return s.inWorker(ctx, fsys, job{
			Render: kind, Folder: app.Path, Kustomize: app.Kustomize, Names: namesOf(app),
			Release: helm.Release{Namespace: app.Namespace}, cluster: app.Cluster, source: app.Source,
		})
	case appfile.RenderHelm:
		made, problems := s.chart(ctx, fsys, app, values)
		written, wrong := beside(fsys, app, made)
		return append(made, written...), append(problems, wrong...)
	}
	read, problems := plain.Render(fsys, plain.Folder{
		Path: app.Path, Exclude: app.Exclude, Files: app.Files, Mark: substitute.NewMarks(namesOf(app)).Scalar, Before: s.before,
	})
	s.found = read
	return read.Objects, problems
}

// detect returns the renderer that fits a folder. A kustomization beside a chart means
// that the author builds with kustomize.
func detect(fsys fs.FS, folder string) string {
	switch {
	case kustomize.Find(fsys, folder) != "":
		return appfile.RenderKustomize
	case helm.Find(fsys, folder) != "":
		return appfile.RenderHelm
	}
	return appfile.RenderPlain
}

// unused reports settings for a renderer that the app does not have.
func unused(app appfile.App, kind string) *manifest.Problem {
	problem := func(setting, lacks string) *manifest.Problem {
		return &manifest.Problem{
			Source:  app.Source,
			Message: fmt.Sprintf("%s: is set, and the folder %s has no %s", setting, app.Path, lacks),
			Hint:    "add it, or take the setting out",
		}
	}
	switch {
	case kind != appfile.RenderKustomize && !app.Kustomize.IsZero():
		return problem("kustomize", "kustomization.yaml")
	case kind != appfile.RenderHelm && !app.Helm.IsZero():
		return problem("helm", "Chart.yaml")
	case kind != appfile.RenderPlain && !app.Files.IsZero() && app.Artifact.IsZero():
		wrong := problem("files", "manifests to choose from: it is rendered by "+kind)
		wrong.Hint = "take files out, or set render: plain"
		return wrong
	case kind != appfile.RenderHelm && len(app.Manifests) > 0:
		wrong := problem("manifests", "Chart.yaml")
		wrong.Hint = appfile.ManifestsHint(kind)
		return wrong
	}
	return nil
}

// chart renders the chart in an app's folder, or the one that it names.
func (s *Session) chart(ctx context.Context, fsys fs.FS, app appfile.App, values map[string]string) ([]*manifest.Object, manifest.Problems) {
	failed := func(message, hint string) ([]*manifest.Object, manifest.Problems) {
		return nil, manifest.Problems{{Source: app.Source, Message: message, Hint: hint}}
	}
	named, isNamed := wanted(app)
	if !isNamed && helm.Find(fsys, app.Path) == "" {
		if problem := absent(fsys, app); problem != nil {
			return nil, manifest.Problems{*problem}
		}
		return failed(fmt.Sprintf("render: helm: the folder %s has no Chart.yaml", app.Path), "the app's path is the folder of the chart")
	}
	cluster, problem := s.clusterOf(ctx, app.Cluster, app.Source)
	if problem != nil {
		return nil, manifest.Problems{*problem}
	}
	release := helm.Release{Name: app.Helm.ReleaseName, Namespace: app.Namespace, Settings: app.Helm, Generated: values, Cluster: cluster, SkipCRDs: app.Helm.SkipCRDs}
	if isNamed {
		release.Chart = &named
	}
	if release.Name == "" {
		release.Name = string(app.Name)
	}
	return s.inWorker(ctx, fsys, job{Render: appfile.RenderHelm, Folder: app.Path, Release: release, Names: namesOf(app)})
}

// clusterOf returns the data about an app's cluster for its charts.
func (s *Session) clusterOf(ctx context.Context, name string, app manifest.Source) (helm.Cluster, *manifest.Problem) {
	if s.ask == nil {
		return helm.Cluster{}, &manifest.Problem{Source: app, Message: "charts are rendered for a cluster, and none is known"}
	}
	cluster, err := s.askAbout(ctx, name)
	if err != nil {
		return helm.Cluster{}, &manifest.Problem{
			Source: app, Message: fmt.Sprintf("ask cluster %s for its version and APIs: %v", name, err), Remedy: manifest.Again("when it answers"),
		}
	}
	return cluster, nil
}

// DigestOf is the Result.Digest of objects.
func DigestOf(objects []*manifest.Object) string { return digest(objects, nil) }

// digest combines the digests of objects; found has them if the objects are its own. It
// leaves out random objects, such as a chart's test with a random name, which would
// change the digest with each rendering.
func digest(objects []*manifest.Object, found *plain.Read) string {
	if found != nil {
		return combine(found.Sorted)
	}
	digests := make([]string, 0, len(objects))
	for _, o := range objects {
		if !o.Random {
			digests = append(digests, manifest.Digest(o.Unstructured))
		}
	}
	slices.Sort(digests)
	return combine(digests)
}

// combine makes one digest of those of objects, which are sorted: the order depends on
// them alone.
func combine(digests []string) string {
	sum := sha256.New()
	for _, d := range digests {
		sum.Write([]byte(d))
	}
	return hex.EncodeToString(sum.Sum(nil))
}
