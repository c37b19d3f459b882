package deploy

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pushboat/pushboat/internal/live"
)

// Clusters are the clusters that a server knows, by name. One that is added stays: what its
// apps have on it is not forgotten when the server no longer reaches it, see
// kube.Cluster.Disconnect. Their methods are safe for concurrent use.
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
