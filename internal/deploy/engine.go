// Package deploy is the engine of Pushboat: it plans the changes of a revision to a
// cluster, refuses forbidden ones, applies the rest, waits for health and records the
// result. It reads revisions as fs.FS and knows no Git.
//
// There is one way to deploy. A push, the schedule, drift and a start of the
// server all nudge an app's worker, which compares the newest accepted
// revision with what was last applied, and closes the difference.
package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/importer"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/sealed"
)

// Cluster is a named cluster with the index of its running objects.
type Cluster struct {
	Kube  *kube.Cluster
	Index *live.Index

	api       clusterAPI // Kube, but in tests
	planIndex plan.Index // Index, but in tests
	site      *apply.Cluster
	opened    chan struct{}          // closed when the cluster answered and every claim is known
	opening   atomic.Pointer[Outage] // why it could not be opened yet; nil otherwise
	retry     chan chan<- error      // starts the next attempt to open it at once, and receives its error

	removed   atomic.Bool // nobody names it any more
	begun     bool        // opening it has begun; under the engine's mu
	sightings sightings
	retakes   pace
}

// NewCluster pairs a cluster with its index.
func NewCluster(cluster *kube.Cluster, index *live.Index) *Cluster {
	return &Cluster{
		Kube: cluster, Index: index, api: kubeAPI{cluster}, planIndex: index, site: apply.NewCluster(cluster, index),
		opened: make(chan struct{}), retry: make(chan chan<- error),
	}
}

// Source is where revisions come from.
type Source interface {
	// Repositories lists the repositories.
	Repositories() ([]name.Repo, error)
	// Branches maps each branch of a repository to its newest revision.
	Branches(ctx context.Context, repo name.Repo) (map[name.Branch]name.Revision, error)
	// Head returns the newest revision of a branch; "" if there is none.
	Head(ctx context.Context, repo name.Repo, branch name.Branch) (name.Revision, error)
	// Main returns the main branch of a repository: the one that it deploys as a whole
	// while it has no pushboat.yaml.
	Main(repo name.Repo) (name.Branch, error)
	// Asked returns the options of the newest revision that the gate has accepted for a
	// branch, if there were any.
	Asked(repo name.Repo, branch name.Branch) (record.Asked, error)
	// AskedOf returns what was last asked for with one app of a branch alone.
	AskedOf(repo name.Repo, branch name.Branch, app name.App) (record.Asked, error)
	// SetAsked stores such options, in place of those before.
	SetAsked(repo name.Repo, branch name.Branch, asked record.Asked) error
	// Tree reads a revision.
	Tree(repo name.Repo, revision name.Revision) (fs.FS, error)
	// Tags lists the tags of a repository.
	Tags(ctx context.Context, repo name.Repo) ([]name.Tag, error)
	// Tagged returns the revision that a tag leads to; "" if there is no such tag.
	Tagged(ctx context.Context, repo name.Repo, tag name.Tag) (name.Revision, error)
}

// Config holds the parts of an Engine. Every field is required, unless it says otherwise.
type Config struct {
	Clusters *Clusters // "default" is always there
	Source   Source
	Recorder record.Recorder
	Renderer *render.Renderer
	Sealed   *sealed.Store
	Server   string   // this server's id, by which inventories on clusters name it
	Epoch    int64    // of its data directory; 0 for an engine that only plans
	Own      plan.Own // what may be deployed of this server itself
	Accounts Accounts // nil: everything is done as the server itself
	Grants   Grants   // nil: nothing bounds a repository, for an engine that only plans
	Sees     Sees     // nil: nobody knows of another repository
	Masker   manifest.Masker
	// PlainSecrets accepts Secrets whose values are not encrypted in every repository.
	PlainSecrets bool

	// Choice selects the apps of a revision for a caller that looks at some of them.
	Choice appfile.Choice

	// Labels returns the clusters from which apps may be selected, with their labels; nil:
	// there are none.
	Labels func() appfile.Clusters

	// Servers returns the addresses of the clusters, by their names; nil: they are not known.
	Servers func() map[string]string

	// Folder is from where the apps of a repository come that has no pushboat.yaml, "" for all;
	// nil: it is for every one.
	Folder func(repo name.Repo) string

	// Addresses are those of a repository where it lives elsewhere; nil: they are not known.
	Addresses func(repo name.Repo) []string

	// Elsewhere finds other repositories from which apps come, and IsSource says of one that it
	// is there for that alone: its branches are stored; nil: none are used.
	Elsewhere Elsewhere
	IsSource  func(repo name.Repo) bool
	// Vouched is an error if a commit, or a tag's, has not the signatures that the rules ask for
	// on the branches of its repository; nil: they ask for none.
	Vouched func(ctx context.Context, repo name.Repo, revision name.Revision) error

	// Windows are those of the rules in force; nil: there are none.
	Windows Windows

	Events *event.Bus // nil: nobody is told
	Trail  Trail      // nil: none, for an engine that only plans
	Log    *logrus.Entry
}

// Engine deploys apps. Use New, then Start.
type Engine struct {
	Config
	claims       *plan.Claims
	reservations *reservations
	releases     releases
	readWith     readWith
	suspect      func(app name.App, id manifest.ID)
	wanted       func(app name.App, schedule, full string)
	rollback     func(ctx context.Context, failed record.Record) (Sequel, error)
	carry        func(apply.Order) work // apply.New, but in tests

	bell      bell
	haste     haste
	logs      atomic.Int64 // of containers, that are being read
	tallies   tallies
	values    sync.Mutex  // held while generated values are kept
	handsOver atomic.Bool // see HandOver
	finder    importer.Finder

	wants sync.Mutex // held while targets, and their claims, change

	ctx     context.Context // ends waits and checks at Stop
	cancel  context.CancelFunc
	workers sync.WaitGroup
	timers  timers
	opening openings
	loaded  chan struct{} // closed when every repository has been read, see known

	mu      sync.Mutex
	apps    map[name.App]*app
	unread  map[unreadBranch]bool
	stopped bool // nobody may be added to the workers any more
}

// New makes an engine that does nothing yet.
func New(config Config) *Engine {
	ctx, cancel := context.WithCancel(context.Background())
	if config.Clusters == nil {
		config.Clusters = NewClusters()
	}
	if config.Events == nil {
		config.Events = event.New(1)
	}
	if config.Trail == nil {
		config.Trail = noTrail{}
	}
	e := &Engine{Config: config, claims: plan.NewClaims(), carry: carryOut, reservations: newReservations(), loaded: make(chan struct{}), ctx: ctx, cancel: cancel, apps: map[name.App]*app{}, unread: map[unreadBranch]bool{}}
	for _, cluster := range config.Clusters.All() {
		e.listen(cluster)
	}
	return e
}

// Stop ends the waits for health at once and lets running applies end, until ctx is
// done. The next start resumes unfinished work.
func (e *Engine) Stop(ctx context.Context) {
	e.cancel()
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	done := make(chan struct{})
	go func() {
		e.timers.stop()
		e.workers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// register returns the app of that name, making it if there is none. It is an
// error if another repository or branch has the name.
func (e *Engine) register(name name.App, repo name.Repo, branch name.Branch) (*app, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a, ok := e.apps[name]; ok {
		err := a.sameHome(repo, branch)
		if err == nil {
			a.moveIn(repo, branch)
		}
		return a, err
	}
	a := newApp(e, name, repo, branch)
	e.apps[name] = a
	if !e.stopped { // otherwise enqueue drops new jobs
		e.workers.Go(a.work)
	}
	return a, nil
}

// unregister takes the apps of a repository off the register, and returns them.
func (e *Engine) unregister(repo name.Repo) []*app {
	e.mu.Lock()
	defer e.mu.Unlock()
	var apps []*app
	for app, a := range e.apps {
		if a.repository() == repo {
			delete(e.apps, app)
			apps = append(apps, a)
		}
	}
	return apps
}

// app returns the app of that name, or nil.
func (e *Engine) app(name name.App) *app {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.apps[name]
}

// appsOn returns the apps that a branch feeds and that have not been removed.
func (e *Engine) appsOn(repo name.Repo, branch name.Branch) []*app {
	e.mu.Lock()
	var apps []*app
	for _, a := range e.apps {
		if a.isFedBy(repo, branch) {
			apps = append(apps, a)
		}
	}
	e.mu.Unlock()
	sortApps(apps)
	return apps
}

// sorted returns the apps by name.
func (e *Engine) sorted() []*app {
	e.mu.Lock()
	defer e.mu.Unlock()
	apps := make([]*app, 0, len(e.apps))
	for _, a := range e.apps {
		apps = append(apps, a)
	}
	sortApps(apps)
	return apps
}

func sortApps(apps []*app) {
	slices.SortFunc(apps, func(a, b *app) int { return cmp.Compare(a.name, b.name) })
}

// A cluster that does not answer is asked again after openRetry, or at once
// when a push needs it.
const openRetry = 5 * time.Second

// open waits until the cluster answers, learns the wishes of every app there, and then
// lets the apps' workers begin. Nothing is pruned before that, so that no object is
// deleted that another app is about to take over.
func (e *Engine) open(name string, cluster *Cluster) {
	var asked chan<- error // the callers that wait for this attempt
	former := ""
	for {
		err := e.tryOpen(name, cluster)
		cluster.fails(err)
		e.tellOutage(cluster)
		if err == nil {
			close(cluster.opened)
			e.Log.WithField("cluster", name).Info("cluster: answers; its apps are compared with it")
			e.workers.Go(func() { e.guardSystem(name, cluster) })
			e.startApps(name)
			e.readAgain()
			return
		}
		if asked != nil {
			asked <- err
		}
		if text := err.Error(); text != former && plan.Unreachable(err) == nil { // tellOutage tells the others
			e.Log.WithField("cluster", name).Warnf("cluster: %s; trying again", text)
			former = text
		}
		select {
		case <-time.After(openRetry):
			asked = nil
		case asked = <-cluster.retry:
		case <-e.ctx.Done():
			return
		}
	}
}

func (e *Engine) tryOpen(name string, cluster *Cluster) error {
	ctx, cancel := context.WithTimeout(e.ctx, openTimeout)
	defer cancel()
	if err := cluster.api.EnsureSystemNamespace(ctx); err != nil {
		return err
	}
	for _, a := range e.sorted() {
		t := a.wanted()
		if t == nil || t.Spec.Cluster != name {
			continue
		}
		with := plan.NewCompanions([]*plan.Target{&t.Target}, a.knows)
		as := e.lookerOf(t)
		problems := with.Vet(ctx, as.api, e.within(t.Repo, cluster))
		objects, unresolved := plan.Resolve(ctx, as.api, &t.Target, with, e.within(t.Repo, cluster))
		e.claimAll(a, t, e.withoutShared(t, objects), append(problems, unresolved...))
	}
	return nil
}

// openTimeout bounds one attempt to reach a cluster.
const openTimeout = 15 * time.Second

// startApps has every app of a cluster checked once.
func (e *Engine) startApps(cluster string) {
	for _, a := range e.sorted() {
		if t := a.wanted(); t != nil && t.Spec.Cluster == cluster {
			a.enqueue(systemJob(record.CauseStart))
		}
	}
}

// tryNow has the next attempt to open the cluster begin at once, if it waits for that.
func (c *Cluster) tryNow() {
	select {
	case c.retry <- make(chan error, 1):
	default: // it is open, or an attempt is under way
	}
}

// errNotOpen says that a cluster has not answered since the server started.
var errNotOpen = errors.New("no answer yet")

// ready returns once the cluster is open, or when an attempt to reach it that
// began after the call has failed. Of a cluster that is held, nothing may be assumed.
func (c *Cluster) ready(ctx context.Context) error {
	if held := c.Kube.Held(); held != nil {
		return &kube.UnreachableError{Cluster: c.api.Name(), Err: held}
	}
	select {
	case <-c.opened:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	failed := make(chan error, 1)
	retry := c.retry
	for {
		select {
		case <-c.opened:
			return nil
		case retry <- failed:
			retry = nil
		case err := <-failed:
			return err
		case <-ctx.Done():
			return fmt.Errorf("%w: cluster %s", errNotOpen, c.api.Name())
		}
	}
}
