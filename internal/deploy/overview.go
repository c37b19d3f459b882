package deploy

import (
	"github.com/pushboat/pushboat/internal/name"
)

// Seen reports whether every object that an app has is seen, or known to be gone: what its
// status says is so. After a start, and while its cluster is away, it may take a while.
func (e *Engine) Seen(app name.App) bool {
	e.known()
	a := e.app(app)
	if a == nil {
		return false
	}
	t := a.wanted()
	if t == nil {
		return true
	}
	cluster := e.Clusters.Get(t.Spec.Cluster)
	if cluster == nil {
		return false
	}
	select {
	case <-cluster.opened:
	default:
		return false
	}
	for _, id := range a.ledger.Unsettled(cluster.Index, a.set) {
		if _, there := cluster.Index.Get(id); !there && !cluster.Index.Lacks(id) {
			return false
		}
	}
	return cluster.Index.Blind(a.set) == nil
}

// AtWork reports whether a deploy of a push goes on, or is to come.
func (e *Engine) AtWork(push string) bool {
	for _, a := range e.sorted() {
		if a.queue.has(push) {
			return true
		}
	}
	return false
}

// has reports whether a deploy of a push is at work, or comes next.
func (q *queue) has(push string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range []*job{q.doing, q.next} {
		if j != nil && j.push == push {
			return true
		}
	}
	return false
}

// Outages are the clusters that are not seen, or not as a whole.
func (e *Engine) Outages() (outages []Outage) {
	for _, cluster := range e.Clusters.All() {
		if cluster.removed.Load() {
			continue
		}
		if outage := cluster.outage(); outage != nil {
			outages = append(outages, *outage)
		}
	}
	return outages
}
