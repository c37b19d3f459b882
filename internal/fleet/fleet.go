// Package fleet keeps the set of clusters that the server deploys to. The configuration
// names some of them, and admin.git others; each may change while the server runs. The set
// changes as a whole: what is still named keeps its connections and its index.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
)

// Member is a cluster as somebody has named it.
type Member struct {
	Name        string
	Place       string // where, for people: "clusters/paris.yaml"
	Labels      map[string]string
	Annotations map[string]string
	Way         kube.Way
}

// Engine has what a fleet asks of the engine.
type Engine interface {
	AddCluster(cluster *deploy.Cluster)
	AppsOnCluster(name string) []name.App
	ClusterStates(ctx context.Context, names ...string) []deploy.ClusterState
}

// Config holds the parts of a Fleet. Every field is required, unless it says otherwise.
type Config struct {
	Context context.Context //nolint:containedctx // ends the watches of all clusters
	Dir     string          // for the identities of the clusters; "": they are not kept
	Tools   owner.Tools     // the field managers of hand tools
	Guard   func(*kube.Cluster)
	Keys    Keys
	Allowed kube.Allowed // to the clusters of admin.git
	Fence   func() error // an error once another server has replaced this one
	Log     *logrus.Entry
}

// Fleet is the set of clusters. Use Open. Its methods are safe for concurrent use.
type Fleet struct {
	Config
	clusters   *deploy.Clusters
	identities *identities
	allowed    atomic.Pointer[kube.Allowed]
	labels     atomic.Pointer[appfile.Clusters]  // of members; neither it nor what is in it ever changes
	servers    atomic.Pointer[map[string]string] // the addresses of members, likewise

	mu         sync.Mutex // held while the set changes
	engine     Engine     // nil until Join
	configured []Member   // by the configuration
	ruled      []Member   // by admin.git
	members    map[string]Member
	left       map[string]Member // that nobody names any more
}

// Open opens the clusters of the configuration. It sends no request: a cluster may be away.
func Open(config Config, configured []Member) (*Fleet, error) {
	f := &Fleet{Config: config, identities: &identities{dir: config.Dir}, members: map[string]Member{}, left: map[string]Member{}, configured: configured}
	f.allowed.Store(&config.Allowed)
	var clusters []*deploy.Cluster
	var problems []error
	for _, m := range configured {
		cluster, err := f.open(m)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		clusters = append(clusters, cluster)
		f.members[m.Name] = m
	}
	f.clusters = deploy.NewClusters(clusters...)
	f.noteLabels()
	return f, errors.Join(problems...)
}

// Clusters returns the set, for the engine.
func (f *Fleet) Clusters() *deploy.Clusters { return f.clusters }

// Join has the engine learn of clusters that come later.
func (f *Fleet) Join(engine Engine) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.engine = engine
}

// open opens a cluster that the server has not known yet.
func (f *Fleet) open(m Member) (*deploy.Cluster, error) {
	cluster, err := kube.OpenWay(m.Name, m.Way, f.Log)
	if err != nil {
		return nil, err
	}
	f.Guard(cluster)
	cluster.Identify(func(id string) error { return f.recognize(m.Name, id) })
	return deploy.NewCluster(cluster, live.New(f.Context, cluster, f.Tools, f.Log)), nil
}

// Configure has the configuration name other clusters than before. With an error, nothing
// has changed.
func (f *Fleet) Configure(configured []Member, allowed kube.Allowed) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.ruled {
		for _, c := range configured {
			if c.Name == m.Name {
				return fmt.Errorf("cluster %s is named twice: by %s, and by %s in the repository admin; remove it from one of the two", c.Name, c.Place, m.Place)
			}
		}
	}
	f.allowed.Store(&allowed)
	f.configured = configured
	return f.change()
}

// change puts the members that are named now in the place of those before.
func (f *Fleet) change() error {
	next := map[string]Member{}
	for _, m := range f.ruled {
		next[m.Name] = m
	}
	for _, m := range f.configured { // the configuration wins, as the way back in
		if other, both := next[m.Name]; both {
			f.Log.WithField("cluster", m.Name).Errorf("cluster: is named by %s and by %s in the repository admin; the first counts", m.Place, other.Place)
		}
		next[m.Name] = m
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(next)) {
		problems = append(problems, f.reach(next[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(f.members)) {
		if _, stays := next[name]; !stays {
			f.remove(f.members[name])
		}
	}
	f.members = next
	f.noteLabels()
	return errors.Join(problems...)
}

func (f *Fleet) noteLabels() {
	labels, servers := appfile.Clusters{}, map[string]string{}
	for name, m := range f.members {
		labels[name] = appfile.Annotated(m.Labels, m.Annotations)
		if m.Way.Config != nil {
			servers[name] = m.Way.Config.Host
		}
	}
	f.labels.Store(&labels)
	f.servers.Store(&servers)
}

// Servers are the addresses of the clusters of the set, by their names.
func (f *Fleet) Servers() map[string]string { return *f.servers.Load() }

// Labels are the clusters of the set, with their labels and annotations.
func (f *Fleet) Labels() appfile.Clusters { return *f.labels.Load() }

// LabelsWith is Labels once the clusters of admin.git are others.
func (f *Fleet) LabelsWith(next []*rules.Cluster) appfile.Clusters {
	f.mu.Lock()
	defer f.mu.Unlock()
	labels := appfile.Clusters{}
	for _, c := range next {
		labels[c.Name] = appfile.Annotated(c.Labels, c.Annotations)
	}
	for _, m := range f.configured {
		labels[m.Name] = appfile.Annotated(m.Labels, m.Annotations)
	}
	return labels
}

// reach has a member be reached as it says.
func (f *Fleet) reach(m Member) error {
	log := f.Log.WithField("cluster", m.Name)
	former, known := f.members[m.Name]
	cluster := f.clusters.Get(m.Name)
	switch {
	case known && former.Way.Print == m.Way.Print:
		return nil
	case cluster != nil:
		if err := cluster.Connect(m.Way); err != nil {
			return fmt.Errorf("%s: %w", m.Place, err)
		}
		log.Infof("cluster: is reached as %s says from now on", m.Place)
	default:
		opened, err := f.open(m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Place, err)
		}
		f.engine.AddCluster(opened)
		log.Infof("cluster: added by %s", m.Place)
	}
	return nil
}

// remove has nothing asked of a member any more, because nobody names it.
func (f *Fleet) remove(m Member) {
	log := f.Log.WithField("cluster", m.Name)
	f.left[m.Name] = m
	f.clusters.Get(m.Name).Remove(kube.HeldError{
		Cluster: m.Name, Why: m.Place + " does not name it any more",
		Hint: "name it there again, or remove its apps from their branches and forget them: see docs/clusters.md",
	})
	if apps := f.engine.AppsOnCluster(m.Name); len(apps) > 0 {
		log.Errorf("cluster: %s does not name it any more; its apps stay as they are and are looked after no more: %s", m.Place, apps)
		return
	}
	log.Infof("cluster: %s does not name it any more", m.Place)
}
