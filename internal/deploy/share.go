package deploy

import (
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// A namespace that several apps request with createNamespace is created for all of
// them. One of them owns it as one of its objects, and the others leave it out. When
// that app goes, the namespace stays for the others; with the last it is deleted, which
// must be confirmed. An app that writes the Namespace owns it before those that request
// it.

// share decides which app of a push owns the namespaces that several request, and
// enters them in the push's claims: an owner keeps its namespace, else the first app
// gets it.
func (e *Engine) share(p *Proposal, objects map[*target][]plan.Placed, made map[*target][]plan.Placed) {
	holds := func(t *target) bool {
		a := e.app(t.Spec.Name)
		if a == nil {
			return false
		}
		return a.ledger.Has(plan.NamespaceID(t.Spec.Namespace))
	}
	for _, first := range []bool{true, false} {
		for _, t := range p.targets {
			if len(made[t]) == 0 || holds(t) != first || p.claims.Owner(t.Spec.Cluster, made[t][0].Key) != "" {
				continue
			}
			objects[t] = append(made[t], objects[t]...)
			p.claims.Set(t.Spec.Name, t.Spec.Cluster, objects[t])
		}
	}
}

// withoutShared leaves out the requested namespace of the target if another app owns
// it.
func (e *Engine) withoutShared(t *target, objects []plan.Placed) []plan.Placed {
	written, made := plan.SplitMade(&t.Target, objects)
	if len(made) == 0 {
		return objects
	}
	id := made[0].Key
	switch owner := e.claims.Owner(t.Spec.Cluster, id); {
	case owner == t.Spec.Name:
		return objects
	case owner != "":
		return written
	}
	for _, a := range e.sorted() { // at a start the claims come one after the other
		if a.ledger.Has(id) && a.name != t.Spec.Name && a.wanted().AsksFor(t.Spec.Cluster, id) {
			return written
		}
	}
	return objects
}

// yields reports whether an app wants an object only because it requests the namespace
// that another one writes. It does not yield an existing namespace to an app of another
// repository: the owner of a namespace decides what may run in it.
func (e *Engine) yields(owner name.App, repo name.Repo, cluster string, id manifest.ID) bool {
	t := e.wantedOf(owner)
	if t == nil || e.Clusters.Get(cluster) == nil {
		return false
	}
	running, _ := e.Clusters.Get(cluster).Index.Get(id)
	return (t.Repo == repo || running.PartOf != plan.SetID(owner)) && t.AsksFor(cluster, id) && slices.ContainsFunc(t.Objects, func(o *manifest.Object) bool {
		return o.ID() == id && t.IsMade(o)
	})
}
