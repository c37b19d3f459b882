package plan

import (
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// AsksFor reports whether the target has createNamespace make a namespace.
func (t *Target) AsksFor(cluster string, id manifest.ID) bool {
	return t != nil && !t.Gone && t.Spec.CreateNamespace && t.Spec.Cluster == cluster && id == NamespaceID(t.Spec.Namespace)
}

// NamespaceID is the identity of a Namespace.
func NamespaceID(name string) manifest.ID {
	return manifest.ID{Kind: manifest.NamespaceKind.Kind, Name: name}
}

// IsMade reports whether an object is the Namespace that createNamespace creates, and
// not a written one.
func (t *Target) IsMade(o *manifest.Object) bool {
	return o.Source == t.Spec.Source && t.AsksFor(t.Spec.Cluster, o.ID())
}

// SplitMade takes the Namespace that createNamespace makes out of a target's objects;
// it is none if there is none.
func SplitMade(t *Target, objects []Placed) (written, made []Placed) {
	for i := range objects {
		if !t.IsMade(objects[i].Object) {
			continue
		}
		if i == 0 { // as WithNamespace puts it; to append one to the other is then no copy
			return objects[1:], objects[:1]
		}
		return slices.Delete(slices.Clone(objects), i, i+1), slices.Clone(objects[i : i+1])
	}
	return objects, nil
}

// AlsoAsks returns an app beside that of the target which asks for a namespace: one of
// the push, as it will be, or another; "" if there is none.
func AlsoAsks(of *Target, with *Companions, others Others, id manifest.ID) name.App {
	if id.GroupKind() != manifest.NamespaceKind {
		return ""
	}
	pushed := map[name.App]bool{of.Spec.Name: true}
	for _, t := range with.Targets {
		pushed[t.Spec.Name] = true
		if t.Spec.Name != of.Spec.Name && t.AsksFor(of.Spec.Cluster, id) {
			return t.Spec.Name
		}
	}
	return others.Asking(of.Spec.Cluster, id, pushed)
}
