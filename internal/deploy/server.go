package deploy

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
)

// ClusterState is how the server gets on with a cluster.
type ClusterState struct {
	Name      string         `json:"name"`
	Version   string         `json:"version,omitempty"` // "" if it does not answer
	Outage    *Outage        `json:"outage,omitempty"`
	Watches   []live.Watch   `json:"watches"`
	Latencies []kube.Latency `json:"requests"`
}

// Queue counts the apps by the state of their workers.
type Queue struct {
	Apps    int `json:"apps"`
	Working int `json:"working"` // a deploy or a check goes on
	Waiting int `json:"waiting"` // a further one is to come
}

// askTimeout bounds the one question that ClusterStates asks of a cluster.
const askTimeout = 3 * time.Second

// ClusterStates tells of some clusters, by name; of all that somebody names, if none is
// given. It asks each for its version.
func (e *Engine) ClusterStates(ctx context.Context, names ...string) []ClusterState {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	clusters := slices.DeleteFunc(e.Clusters.All(), func(c *Cluster) bool {
		if len(names) > 0 {
			return !slices.Contains(names, c.api.Name())
		}
		return c.removed.Load()
	})
	states := make([]ClusterState, 0, len(clusters))
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	for _, cluster := range clusters {
		all.Go(func() {
			name := cluster.api.Name()
			state := ClusterState{Name: name, Outage: cluster.outage(), Watches: cluster.Index.Watches(), Latencies: cluster.api.Latencies()}
			version, err := cluster.api.Check(ctx)
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

// Queue returns the counts of the apps' workers.
func (e *Engine) Queue() Queue {
	var q Queue
	for _, a := range e.sorted() {
		working, waiting := a.queue.load()
		q.Apps++
		if working {
			q.Working++
		}
		if waiting {
			q.Waiting++
		}
	}
	return q
}
