package deploy

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/worker"
	"github.com/pushboat/pushboat/internal/sealed"
)

// office is an engine whose repositories and records are in memory. Its one cluster,
// default, does not answer. Its apps have no workers: jobs stay in their queues.
type office struct {
	*Engine
	t      *testing.T
	source *fakeSource
	kept   *fakeRecorder
	index  *live.Index
}

// seesAll lets every caller know of every repository.
func seesAll(access.Caller, name.Repo) bool { return true }

func newOffice(t *testing.T) *office {
	t.Helper()
	cluster, err := kube.Open("default", &rest.Config{Host: "https://127.0.0.1:1"}, quiet())
	if err != nil {
		t.Fatal(err)
	}
	store, err := sealed.Open(t.TempDir(), bytes.Repeat([]byte{7}, 32), nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &office{
		t: t, index: live.New(t.Context(), cluster, owner.DefaultTools, quiet()),
		source: &fakeSource{branches: map[name.Repo]map[name.Branch]name.Revision{}, trees: map[name.Revision]fs.FS{}, asked: map[name.Branch]record.Asked{}},
		kept:   &fakeRecorder{newest: map[name.Repo]map[name.App]record.Saved{}},
	}
	o.Engine = New(Config{
		Clusters: NewClusters(NewCluster(cluster, o.index)), Source: o.source, Recorder: o.kept, Server: "mine",
		Renderer: render.New(worker.NewPool(nil, worker.Limits{}, quiet()), nil), Sealed: store,
		Masker: manifest.NewMasker([]byte("key")), Events: event.New(100), Log: quiet(), Sees: seesAll,
	})
	o.stopped = true
	close(o.loaded)
	t.Cleanup(func() {
		o.cancel()
		o.workers.Wait()
		o.index.Wait()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// has makes an app of the branch main of a repository, with a target; nil for none.
func (o *office) has(app name.App, repo name.Repo, t *target) *app {
	o.t.Helper()
	a, err := o.register(app, repo, "main")
	if err != nil {
		o.t.Fatal(err)
	}
	a.setWant(t)
	return a
}

// deployed makes an app that was deployed with a target.
func (o *office) deployed(t *target) *app {
	o.t.Helper()
	a := o.has(t.Spec.Name, t.Repo, t)
	a.remember(record.Record{Number: 1, App: a.name, Repo: t.Repo, Branch: "main", Revision: t.Revision, Cluster: t.Spec.Cluster, Result: record.Deployed, Digest: a.digestFor(t)})
	return a
}

// told lists the events that were published, as "kind app: text".
func (o *office) told() []string {
	events, _ := o.Events.Since(0)
	lines := []string{}
	for _, e := range events {
		lines = append(lines, fmt.Sprintf("%s %s: %s", e.Kind, e.App, e.Text))
	}
	return lines
}

// queued returns an app's next job; nil for none.
func queued(a *app) *job {
	j, _ := a.queue.take()
	a.queue.rest()
	return j
}

// wanted returns a target of an app of the repository shop.
func wanted(app name.App, changes ...func(*target)) *target {
	return shop(append([]func(*target){func(t *target) { t.Spec.Name, t.Digest = app, "digest of "+string(app) }}, changes...)...)
}

// fakeSource has revisions in memory. Any other revision cannot be read. onHead lets a test
// push while a repository is read.
type fakeSource struct {
	mu       sync.Mutex
	branches map[name.Repo]map[name.Branch]name.Revision // by repository
	tags     map[name.Repo]map[name.Tag]name.Revision    // likewise
	trees    map[name.Revision]fs.FS                     // by revision
	asked    map[name.Branch]record.Asked                // by branch
	err      error                                       // of Repositories, Branches and Main
	askedOf  map[name.App]record.Asked                   // by app
	askedErr error                                       // of Asked
	onHead   func()                                      // called by Head; nil for nothing
}

// push moves the branch main of a repository to a revision with the given files.
func (s *fakeSource) push(repo name.Repo, revision name.Revision, files map[string]string) {
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trees[revision] = tree
	s.branches[repo] = map[name.Branch]name.Revision{"main": revision}
}

func (s *fakeSource) Repositories() ([]name.Repo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var repos []name.Repo
	for repo := range s.branches {
		repos = append(repos, repo)
	}
	slices.Sort(repos)
	return repos, s.err
}

func (s *fakeSource) Branches(_ context.Context, repo name.Repo) (map[name.Branch]name.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.branches[repo], s.err
}

func (s *fakeSource) Head(_ context.Context, repo name.Repo, branch name.Branch) (name.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.onHead != nil {
		s.onHead()
	}
	return s.branches[repo][branch], s.err
}

func (s *fakeSource) Tags(_ context.Context, repo name.Repo) ([]name.Tag, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.tags[repo])), s.err
}

func (s *fakeSource) Tagged(_ context.Context, repo name.Repo, tag name.Tag) (name.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tags[repo][tag], s.err
}

func (s *fakeSource) Main(name.Repo) (name.Branch, error) { return appfile.DefaultBranch, s.err }

func (s *fakeSource) Asked(_ name.Repo, branch name.Branch) (record.Asked, error) {
	return s.asked[branch], s.askedErr
}

func (s *fakeSource) AskedOf(_ name.Repo, _ name.Branch, app name.App) (record.Asked, error) {
	return s.askedOf[app], s.askedErr
}

func (s *fakeSource) SetAsked(_ name.Repo, branch name.Branch, asked record.Asked) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked == nil {
		s.asked = map[name.Branch]record.Asked{}
	}
	s.asked[branch] = asked
	return nil
}

func (s *fakeSource) Tree(_ name.Repo, revision name.Revision) (fs.FS, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if tree := s.trees[revision]; tree != nil {
		return tree, nil
	}
	return nil, fmt.Errorf("revision %s: %w", revision, fs.ErrNotExist)
}

// fakeRecorder keeps records in memory.
type fakeRecorder struct {
	newest    map[name.Repo]map[name.App]record.Saved // by repository and app
	manifests [][]byte
	entries   []record.Entry // all that were saved
	err       error          // of Newest
	full      error          // of Save
}

func (r *fakeRecorder) Newest(_ context.Context, repo name.Repo) (map[name.App]record.Saved, error) {
	return r.newest[repo], r.err
}

func (r *fakeRecorder) Manifests(context.Context, name.Repo, name.App) ([][]byte, error) {
	return r.manifests, nil
}

func (r *fakeRecorder) Save(_ context.Context, entry record.Entry) error {
	if r.full == nil {
		r.entries = append(r.entries, entry)
	}
	return r.full
}

// records sets a repository's newest records.
func (r *fakeRecorder) records(repo name.Repo, records ...record.Record) {
	r.newest[repo] = map[name.App]record.Saved{}
	for _, rec := range records {
		rec.Repo, rec.Branch = repo, "main"
		r.newest[repo][rec.App] = record.Saved{Record: rec}
	}
}

// last returns the record that was saved last; the zero record if there is none.
func (r *fakeRecorder) last() record.Record {
	if len(r.entries) == 0 {
		return record.Record{}
	}
	return r.entries[len(r.entries)-1].Record
}

// jobNames lists the next jobs of some apps, as "app: cause". Apps without a job are left
// out.
func jobNames(apps ...*app) []string {
	names := []string{}
	for _, a := range apps {
		if j := queued(a); j != nil {
			names = append(names, fmt.Sprintf("%s: %s", a.name, j.cause))
		}
	}
	return names
}

// wantLines fails unless the lines are as wanted.
func wantLines[T ~string](t *testing.T, what string, got []T, want ...T) {
	t.Helper()
	if !slices.Equal(got, want) && len(got)+len(want) > 0 {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// proposed returns a change of the branch main of a repository, with targets but without
// plans.
func (o *office) proposed(repo name.Repo, targets ...*target) *Proposal {
	return &Proposal{
		Change: Change{Repo: repo, Branch: "main", Revision: "new", Push: "p1"}, engine: o.Engine, targets: targets,
		claims: o.claims.Overlay(), changed: map[name.App]*plan.Plan{}, with: map[string]*plan.Companions{},
	}
}

// kindsOf returns the first word of each line.
func kindsOf(lines []string) []string {
	var words []string
	for _, line := range lines {
		word, _, _ := strings.Cut(line, " ")
		words = append(words, word)
	}
	return words
}
