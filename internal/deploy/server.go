package deploy

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
)

// Outage is why and since when a cluster is not seen, or not all of it.
type Outage struct {
	Cluster     string    `json:"cluster"`
	Unreachable bool      `json:"unreachable"` // false: it answers, but not about every kind
	Since       time.Time `json:"since"`
	Error       string    `json:"error"`
}

// newOutage describes an error of a cluster.
func newOutage(cluster string, err error, since time.Time) *Outage {
	unreachable := (*kube.UnreachableError)(nil)
	o := &Outage{Cluster: cluster, Unreachable: errors.As(err, &unreachable), Since: since, Error: err.Error()}
	if o.Unreachable {
		_, o.Error, _ = strings.Cut(unreachable.Error(), "does not answer: ")
	}
	return o
}

// outage returns what keeps the cluster from being seen; nil while nothing does.
func (c *Cluster) outage() *Outage {
	if opening := c.opening.Load(); opening != nil {
		return opening
	}
	down := c.Index.Down()
	if down.Err == nil {
		return nil
	}
	o := newOutage(c.Kube.Name(), down.Err, down.Since)
	if down.Part != "" { // an extension API that is away answers like a cluster that is
		o.Unreachable, o.Error = false, down.Part+": "+o.Error
	}
	return o
}

// fails notes that the cluster could not be opened; nil: it has been.
func (c *Cluster) fails(err error) {
	if err == nil {
		c.opening.Store(nil)
		return
	}
	since := time.Now()
	if former := c.opening.Load(); former != nil {
		since = former.Since
	}
	c.opening.Store(newOutage(c.Kube.Name(), err, since))
}

// ClusterState is how the server gets on with a cluster.
type ClusterState struct {
	Name      string         `json:"name"`
	Version   string         `json:"version,omitempty"` // "" if it does not answer
	Outage    *Outage        `json:"outage,omitempty"`
	Watches   []live.Watch   `json:"watches"`
	Latencies []kube.Latency `json:"requests"`
}

// Queue counts the apps by what their workers do.
type Queue struct {
	Apps    int `json:"apps"`
	Working int `json:"working"` // a deploy or a check goes on
	Waiting int `json:"waiting"` // a further one is to come
}

// askTimeout bounds the one question that ClusterStates asks of a cluster.
const askTimeout = 3 * time.Second

// ClusterStates tells of every cluster, by name. It asks each for its version.
func (e *Engine) ClusterStates(ctx context.Context) []ClusterState {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	states := make([]ClusterState, 0, len(e.Clusters))
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	for name, cluster := range e.Clusters {
		all.Go(func() {
			state := ClusterState{Name: name, Outage: cluster.outage(), Watches: cluster.Index.Watches(), Latencies: cluster.Kube.Latencies()}
			version, err := cluster.Kube.Check(ctx)
			if state.Version = version; err != nil && state.Outage == nil {
				state.Outage = newOutage(name, err, time.Now())
			}
			mu.Lock()
			defer mu.Unlock()
			states = append(states, state)
		})
	}
	all.Wait()
	slices.SortFunc(states, func(a, b ClusterState) int { return cmp.Compare(a.Name, b.Name) })
	return states
}

// Queue counts what the apps' workers have to do.
func (e *Engine) Queue() Queue {
	var q Queue
	for _, a := range e.sorted() {
		a.mu.Lock()
		q.Apps++
		if a.doing != nil {
			q.Working++
		}
		if a.job != nil {
			q.Waiting++
		}
		a.mu.Unlock()
	}
	return q
}
