package deploy

import (
	"context"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// The system namespace and the parents in it are the server's own. The server watches
// them, and recreates them when somebody has changed or deleted them.

const (
	// systemRetry is how long the server waits until it tries again to make the system
	// namespace.
	systemRetry = 2 * time.Second
	// parentsRest is how long after a change of a parent they are looked at: a push of a
	// thousand apps changes a thousand, and each look is at all of them.
	parentsRest = 300 * time.Millisecond
)

// guardSystem keeps the system namespace and the parents of a cluster as they were
// left, until the engine stops.
func (e *Engine) guardSystem(name string, cluster *Cluster) {
	system := live.WatchSystem(e.ctx, cluster.Kube)
	defer system.Wait()
	var retry, rested <-chan time.Time
	for {
		select {
		case <-system.Changed():
			if rested == nil {
				rested = time.After(parentsRest)
			}
		case <-retry:
			retry = nil
		case <-rested:
			rested = nil
			if state, ok := system.State(); ok && state == live.SystemThere {
				e.mendParents(name, cluster, system.Parents())
			}
			continue
		case <-e.ctx.Done():
			return
		}
		if state, ok := system.State(); !ok || state != live.SystemGone || retry != nil {
			continue // the end of one that is going is an event
		}
		e.Log.WithField("cluster", name).Warnf("the namespace %s is gone; it is made anew", kube.SystemNamespace)
		if err := cluster.ensureSystem(e.ctx); err != nil {
			e.Log.WithField("cluster", name).Warn(err)
			retry = time.After(systemRetry)
		}
	}
}

// mendParents has the apps of a cluster look at their parents that are not as they
// were left.
func (e *Engine) mendParents(name string, cluster *Cluster, there map[name.App]kube.Parent) {
	for _, a := range e.sorted() {
		t := a.wanted()
		if t == nil || t.Gone || t.Spec.Cluster != name {
			continue
		}
		left, ok := a.inventory.KnownOn(name)
		is := there[a.name]
		if ok && !a.mayWrite() && isChanged(left, is, e.Server) {
			e.Log.WithField("app", a.name).Warn("the inventory on the cluster was changed or deleted")
			if is.Exists() && e.foreign(is, name, t.Repo) != nil {
				a.on(cluster).SetInventory(nil) // another server has taken the app over: the check finds it out
			}
			mend := systemJob(record.CauseDrift)
			mend.depth = byInventory
			a.enqueue(mend)
		}
	}
}

// isChanged reports whether a parent is not as it was left. there is zero if it is gone.
func isChanged(left, there kube.Parent, server string) bool {
	if !left.Exists() || left.Server != server || there.OlderThan(left) {
		return false
	}
	return !there.Exists() || !there.Equal(left) || there.Epoch > left.Epoch
}

// ensureSystem makes the system namespace if it is missing.
func (c *Cluster) ensureSystem(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	return c.api.EnsureSystemNamespace(ctx)
}

// mayWrite reports whether the app's worker may be about to write its inventory.
func (a *app) mayWrite() bool {
	working, waiting := a.queue.load()
	return working || waiting
}

// ownsInventory reports whether the app's inventory is known to be on the cluster, in this
// server's name.
func (a *app) ownsInventory() bool {
	known, ok := a.inventory.Known()
	return ok && known.Exists() && known.Server == a.engine.Server
}

// mendInventory repairs the app's inventory.
func (a *app) mendInventory(t *target, plan *plan.Plan) {
	written, err := a.site(t).MendInventory(a.engine.ctx, plan)
	switch {
	case err != nil:
		a.logTrouble("mend the inventory", err)
	case written:
		a.engine.Log.WithField("app", a.name).Info("the inventory on the cluster is written again")
	}
}
