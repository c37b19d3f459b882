package deploy

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/name"
)

// Clusters are the clusters that a server knows, by name. One that is added stays: what its
// apps have on it is not forgotten when the server no longer reaches it, see
// Remove. Their methods are safe for concurrent use.
type Clusters struct {
	adding sync.Mutex
	known  atomic.Pointer[map[string]*Cluster] // the map never changes
}

// NewClusters makes the set of some clusters.
func NewClusters(clusters ...*Cluster) *Clusters {
	set := &Clusters{}
	set.known.Store(&map[string]*Cluster{})
	for _, cluster := range clusters {
		set.put(cluster.api.Name(), cluster)
	}
	return set
}

// Get returns the cluster of a name; nil if there is none.
func (c *Clusters) Get(name string) *Cluster { return (*c.known.Load())[name] }

// All lists the clusters, by name.
func (c *Clusters) All() []*Cluster {
	return slices.SortedFunc(maps.Values(*c.known.Load()), func(a, b *Cluster) int { return cmp.Compare(a.api.Name(), b.api.Name()) })
}

// knows reports whether apps may be deployed to the cluster of a name.
func (c *Clusters) knows(name string) bool {
	cluster := c.Get(name)
	return cluster != nil && !cluster.removed.Load()
}

// Remove has nothing asked of the cluster any more. It is away for its apps, which stay as
// they are, and no other app may be deployed there.
func (c *Cluster) Remove(why kube.HeldError) {
	c.removed.Store(true)
	c.Kube.Hold(why)
}

// Connect has the cluster reached in another way, from now on; also after Remove.
func (c *Cluster) Connect(way kube.Way) error {
	if err := c.Kube.Connect(way); err != nil {
		return err
	}
	c.Kube.Invalidate()
	c.removed.Store(false)
	c.tryNow()
	return nil
}

// AppsOnCluster lists the apps that have objects on a cluster, or are to have some.
func (e *Engine) AppsOnCluster(cluster string) []name.App {
	var apps []name.App
	for _, a := range e.sorted() {
		t, last := a.wanted(), a.lastRecord()
		switch {
		case a.removed():
		case t != nil && t.Spec.Cluster == cluster, t == nil && last != nil && last.Cluster == cluster:
			apps = append(apps, a.name)
		}
	}
	return apps
}

// put has a name stand for a cluster, nil for none.
func (c *Clusters) put(name string, cluster *Cluster) {
	c.adding.Lock()
	defer c.adding.Unlock()
	known := maps.Clone(*c.known.Load())
	known[name] = cluster
	if cluster == nil {
		delete(known, name)
	}
	c.known.Store(&known)
}

// AddCluster has the engine know one cluster more. Its apps, if there are any by then, are
// deployed as soon as it answers.
func (e *Engine) AddCluster(cluster *Cluster) {
	e.listen(cluster)
	e.Clusters.put(cluster.api.Name(), cluster)
	select {
	case <-e.loaded:
		e.begin(cluster)
	default: // Start begins it
	}
}

// listen has the engine hear of what happens on a cluster.
func (e *Engine) listen(cluster *Cluster) {
	name := cluster.api.Name()
	cluster.Index.OnChange(func(event live.Event) { e.changed(name, event) })
	cluster.Index.OnReturn(func() {
		e.tellOutage(cluster)
		e.retryOn(name)
	})
	cluster.Index.OnLoss(func() { e.tellOutage(cluster) })
}

// begin opens a cluster, once, unless the engine has stopped.
func (e *Engine) begin(cluster *Cluster) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil || cluster.begun {
		return
	}
	cluster.begun = true
	e.workers.Go(func() { e.open(cluster.api.Name(), cluster) })
}
