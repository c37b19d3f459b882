package deploy

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/manifest"
)

// A namespace that several apps ask for with createNamespace is made for all of them.
// One of them has it: it is of that app's objects, and the others do without. When that
// app goes, the namespace stays for the others; with the last it is deleted, which has
// to be confirmed. Who writes a Namespace has it before those who ask for it.

// asksFor reports whether the target has createNamespace make a namespace.
func (t *Target) AsksFor(cluster string, id manifest.ID) bool {
	return t != nil && !t.Gone && t.Spec.CreateNamespace && t.Spec.Cluster == cluster && id == NamespaceID(t.Spec.Namespace)
}

func NamespaceID(name string) manifest.ID {
	return manifest.ID{Kind: manifest.NamespaceKind.Kind, Name: name}
}

// isMade reports whether an object is the Namespace that createNamespace makes, and not
// one that is written.
func (t *Target) IsMade(o *manifest.Object) bool {
	return o.Source == t.Spec.Source && t.AsksFor(t.Spec.Cluster, o.ID())
}

// splitMade takes the Namespace that createNamespace makes out of a target's objects;
// it is none if there is none.
func SplitMade(t *Target, objects []Placed) (written, made []Placed) {
	for i := range objects {
		if !t.IsMade(objects[i].Object) {
			continue
		}
		if i == 0 { // as withNamespace puts it; to append one to the other is then no copy
			return objects[1:], objects[:1]
		}
		return slices.Delete(slices.Clone(objects), i, i+1), slices.Clone(objects[i : i+1])
	}
	return objects, nil
}

// share decides which app of a push has the namespaces that several ask for, and
// enters them in the push's claims: an app that has one keeps it, else the first has it.
func (e *Engine) share(p *Prepared, objects map[*target][]Placed, made map[*target][]Placed) {
	holds := func(t *target) bool {
		a := e.app(t.Spec.Name)
		if a == nil {
			return false
		}
		return a.ledger.Has(NamespaceID(t.Spec.Namespace))
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

// withoutShared leaves out the namespace that the target asks for if another app has it.
func (e *Engine) withoutShared(t *target, objects []Placed) []Placed {
	written, made := SplitMade(&t.Target, objects)
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

// yields reports whether an app wants an object only because it asks for the namespace
// that another one writes. To an app of another repository it does not yield what it has
// on the cluster: whoever has a namespace says what may run in it.
func (e *Engine) yields(owner, repo, cluster string, id manifest.ID) bool {
	t := e.wantedOf(owner)
	if t == nil || e.Clusters[cluster] == nil {
		return false
	}
	running, _ := e.Clusters[cluster].Index.Get(id)
	return (t.Repo == repo || running.PartOf != SetID(owner)) && t.AsksFor(cluster, id) && slices.ContainsFunc(t.Objects, func(o *manifest.Object) bool {
		return o.ID() == id && t.IsMade(o)
	})
}

// AlsoAsks returns an app beside that of the target which asks for a namespace: one of
// the push, as it will be, or another; "" if there is none.
func AlsoAsks(of *Target, with *Companions, others Others, id manifest.ID) string {
	if id.GroupKind() != manifest.NamespaceKind {
		return ""
	}
	pushed := map[string]bool{of.Spec.Name: true}
	for _, t := range with.Targets {
		pushed[t.Spec.Name] = true
		if t.Spec.Name != of.Spec.Name && t.AsksFor(of.Spec.Cluster, id) {
			return t.Spec.Name
		}
	}
	return others.Asking(of.Spec.Cluster, id, pushed)
}

// Asking returns an app, but none of those that are left out, that has createNamespace
// make a namespace on a cluster; "" if there is none.
func (e *Engine) Asking(cluster string, namespace manifest.ID, but map[string]bool) string {
	for _, a := range e.sorted() {
		if !but[a.name] && a.wanted().AsksFor(cluster, namespace) {
			return a.name
		}
	}
	return ""
}

// Home returns the repository of an app, and whether it is unknown what its branch wants
// of it; false if there is no such app.
func (e *Engine) Home(app string) (repo string, unrendered, ok bool) {
	a := e.app(app)
	if a == nil {
		return "", false, false
	}
	return a.repository(), a.unrenderedWhy() != "", true
}

// makeNamespace makes the namespace that the app asks for and another one has, if that
// one has not come to it yet.
func (w *applying) makeNamespace() error {
	id := NamespaceID(w.target.Spec.Namespace)
	if !w.target.AsksFor(w.target.Spec.Cluster, id) || slices.ContainsFunc(w.plan.Steps, func(s Step) bool { return s.ID == id }) {
		return nil
	}
	if _, known := w.cluster.Index.Get(id); known {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	exists, err := w.cluster.Kube.HasNamespace(ctx, id.Name)
	if err != nil || exists {
		return err
	}
	namespace := MadeNamespace(w.target.Spec)
	kind, err := w.cluster.Kube.Kind(ctx, namespace.GroupVersionKind())
	if err != nil {
		return err
	}
	_, err = w.cluster.Kube.Create(ctx, kind, namespace.Unstructured, false)
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
