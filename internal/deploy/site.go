package deploy

import (
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// on is the app on a cluster, as the account of its repository sees it.
func (a *app) on(cluster *Cluster) *apply.App {
	return &apply.App{
		Name: a.name, Set: a.set, Repo: a.repository(), Server: a.engine.Server, Epoch: a.engine.Epoch, Cluster: a.engine.as(a.repository(), cluster).site,
		Ledger: a.ledger, Inventory: &a.inventory, Hooks: a.hooks, HookMemory: &a.hookMemory, Others: others{a.engine},
		Within: a.engine.within(a.repository(), cluster),
	}
}

// site is the app on the cluster of a target, as plans of it are carried out there; nil if the
// server does not know that one.
func (a *app) site(t *target) *apply.App {
	cluster := a.engine.Clusters.Get(t.Spec.Cluster)
	if cluster == nil {
		return nil
	}
	on := a.on(cluster)
	on.Cluster = a.engine.callerOf(t).site
	return on
}

// sick lists the app's objects on the cluster that are not healthy, sorted.
func (a *app) sick(t *target) []live.Entry {
	cluster := a.engine.Clusters.Get(t.Spec.Cluster)
	if cluster == nil || len(cluster.Index.Sick(a.set)) == 0 { // nearly always, and it is asked for every app
		return nil
	}
	return a.on(cluster).Sick(&t.Target)
}

// dying lists the objects of the app whose deletion has begun and not ended.
func (a *app) dying(t *target) []live.Entry {
	cluster := a.engine.Clusters.Get(t.Spec.Cluster)
	if cluster == nil || len(a.ledger.Unsettled(cluster.Index, a.set)) == 0 { // as above
		return nil
	}
	return a.on(cluster).Dying()
}

// frozen names the objects that are left as they are: because the revision
// says so, or the running object.
func (a *app) frozen(t *target) []string {
	found := map[string]bool{}
	for _, o := range t.SpecialOnes() {
		if t.PolicyOf(o).Has(manifest.Frozen) {
			id := o.ID()
			if id.Namespace == "" {
				id.Namespace = t.Spec.Namespace
			}
			found[id.String()] = true
		}
	}
	if cluster := a.engine.Clusters.Get(t.Spec.Cluster); cluster != nil {
		for _, id := range a.ledger.Unsettled(cluster.Index, a.set) {
			if entry, ok := cluster.Index.Get(id); ok && entry.PartOf == a.set && entry.Hook == nil && entry.Policies.Has(manifest.Frozen) {
				found[id.String()] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// due leaves out the deletions that have to wait until the app is healthy.
func (a *app) due(t *target, steps []plan.Step) []plan.Step {
	now, last := plan.SplitLast(steps)
	if len(last) == 0 {
		return steps
	}
	if len(a.sick(t)) > 0 {
		return now
	}
	return steps
}

// losesWanted reports whether an object of the revision is being deleted.
func (a *app) losesWanted(t *target) bool {
	for _, entry := range a.dying(t) {
		if t.Object(entry.ID) != nil {
			return true
		}
	}
	return false
}
