package deploy

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// The system namespace and the parents in it are the server's own. They are watched,
// and made anew when somebody has changed or deleted them.

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
			continue // of one that is going, the end is told
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
func (e *Engine) mendParents(name string, cluster *Cluster, there map[string]kube.Parent) {
	for _, a := range e.sorted() {
		t := a.wanted()
		if t == nil || t.Gone || t.Spec.Cluster != name {
			continue
		}
		left, ok := a.leftParent()
		is := there[a.name]
		if ok && isChanged(left, is, e.Server) {
			e.Log.WithField("app", a.name).Warn("the inventory on the cluster was changed or deleted")
			if is.Exists() && e.foreign(is, cluster, t.Repo) != nil {
				a.setParent(cluster, nil) // another server has taken the app over: the check finds it out
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
	return !there.Exists() || !there.Equal(left)
}

// leftParent is the app's parent as it was left; ok is false while the app's worker may
// write it.
func (a *app) leftParent() (parent kube.Parent, ok bool) {
	working, waiting := a.queue.load()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.parent == nil || working || waiting {
		return kube.Parent{}, false
	}
	return *a.parent, true
}

// ownsParent reports whether the app's parent is known to be on the cluster, in this
// server's name.
func (a *app) ownsParent() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.parent != nil && a.parent.Exists() && a.parent.Server == a.engine.Server
}

// mendParent makes the app's parent say what it has to, where somebody has changed or
// deleted it, or an older version of the server has written it.
func (a *app) mendParent(t *target, plan *plan.Plan) {
	ctx, cancel := context.WithTimeout(a.engine.ctx, requestTimeout)
	defer cancel()
	cluster := a.engine.Clusters[t.Spec.Cluster]
	there, err := cluster.Kube.ReadParent(ctx, a.name, a.repository())
	if err == nil {
		err = a.engine.foreign(there, cluster, t.Repo)
	}
	if err != nil {
		a.setParent(cluster, nil) // to be read again, whosever it is
		a.logTrouble("check the inventory on the cluster", err)
		return
	}
	left, _ := a.parentBefore()
	wanted := adding(a.signed(there), plan.Steps, plan.Kinds())
	wanted.Kinds, wanted.Namespaces = wanted.Kinds.With(left.Kinds...), wanted.Namespaces.With(left.Namespaces...)
	if !there.Exists() || !wanted.Equal(there) {
		a.engine.Log.WithField("app", a.name).Info("the inventory on the cluster is written again")
		if there, err = cluster.writeParent(ctx, there, wanted); err != nil {
			a.logTrouble("write the inventory on the cluster", err)
			return
		}
	}
	a.setParent(cluster, &there)
}

// parentBefore is the app's parent as it is known.
func (a *app) parentBefore() (kube.Parent, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.parent == nil {
		return kube.Parent{}, false
	}
	return *a.parent, true
}

// ensureSystem makes the system namespace if it is missing.
func (c *Cluster) ensureSystem(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return c.Kube.EnsureSystemNamespace(ctx)
}

// writeParent stores a parent. Where the system namespace is gone or on its way out, it
// is made anew.
func (c *Cluster) writeParent(ctx context.Context, old, parent kube.Parent) (stored kube.Parent, err error) {
	for {
		err = again(ctx, func() (err error) {
			if stored, err = c.Kube.WriteParent(ctx, old, parent); plan.IsNamespaceMissing(err) {
				if made := c.Kube.EnsureSystemNamespace(ctx); made != nil {
					return made
				}
			}
			return err
		})
		if !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			return stored, err
		}
		select { // nothing is told of its end to those who wait here
		case <-time.After(goneCheck):
		case <-ctx.Done():
			return stored, err
		}
	}
}
