package deploy

import (
	"context"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/name"
)

// fewParents is how many parents are read one by one. Beyond that, one list of
// all the cluster's parents is cheaper.
const fewParents = 3

// parentsOf reads the parents of a change's apps that are not known yet, where
// they are many, with one request for each cluster. An app that is not in the
// answer is asked for by itself.
func (e *Engine) parentsOf(ctx context.Context, p *Proposal) (map[*target]*kube.Parent, error) {
	parents := map[*target]*kube.Parent{}
	for cluster, targets := range byCluster(p.targets) {
		var unknown []*target
		for _, t := range targets {
			if a := e.app(t.Spec.Name); (a == nil || !a.knowsInventory(t)) && !e.upToDate(p, t) {
				unknown = append(unknown, t)
			}
		}
		if len(unknown) <= fewParents || p.with[cluster] == nil { // nil: the cluster did not answer
			continue
		}
		listed, err := e.Clusters.Get(cluster).api.ListParents(ctx)
		if err != nil {
			return nil, err
		}
		byApp := map[name.App]kube.Parent{}
		for _, parent := range listed {
			byApp[parent.App] = parent
		}
		for _, t := range unknown {
			parent, exists := byApp[t.Spec.Name]
			if !exists {
				parent = kube.NewParent(t.Spec.Name, t.Repo)
			}
			parents[t] = &parent
		}
	}
	return parents, nil
}

// knowsInventory reports whether the inventory is known that an app is to have by a target.
func (a *app) knowsInventory(t *target) bool {
	_, known := a.inventory.KnownOn(t.Spec.Cluster)
	return known && !a.isLeftBy(t.Repo)
}
