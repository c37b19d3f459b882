// Package kubetest has the parts of which the tests of several packages make clusters in
// memory: the kinds that one serves, how an API server merges, and what it refuses.
package kubetest

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Kinds are the kinds that a cluster serves.
type Kinds map[schema.GroupVersionKind]kube.Kind

// NewKinds has the kinds of some objects with a namespace, and those of namespaces and
// definitions.
func NewKinds(namespaced ...schema.GroupVersionKind) Kinds {
	kinds := Kinds{}
	for _, gvk := range append(namespaced, schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, schema.GroupVersionKind{Version: "v1", Kind: "Secret"}) {
		kinds[gvk] = kube.Kind{GVK: gvk, Namespaced: true, Resource: schema.GroupVersionResource{Resource: gvk.Kind}}
	}
	for _, gk := range []schema.GroupKind{manifest.NamespaceKind, manifest.DefinitionKind} {
		kinds[gk.WithVersion("v1")] = kube.Kind{GVK: gk.WithVersion("v1")}
	}
	return kinds
}

// Kind looks a kind up in one version.
func (k Kinds) Kind(ctx context.Context, gvk schema.GroupVersionKind) (kube.Kind, error) {
	if kind, ok := k[gvk]; ok {
		return kind, nil
	}
	unknown := &kube.UnknownKindError{GVK: gvk}
	if kind, err := k.KindOf(ctx, gvk.GroupKind()); err == nil {
		unknown.Versions = []string{kind.GVK.Version}
	}
	return kube.Kind{}, unknown
}

// KindOf looks a kind up in any version.
func (k Kinds) KindOf(_ context.Context, gk schema.GroupKind) (kube.Kind, error) {
	for gvk, kind := range k {
		if gvk.GroupKind() == gk {
			return kind, nil
		}
	}
	return kube.Kind{}, &kube.UnknownKindError{GVK: gk.WithVersion("")}
}

// Served is KindOf, but that it is no error if there is no such kind.
func (k Kinds) Served(ctx context.Context, gk schema.GroupKind) (kind kube.Kind, served bool) {
	kind, err := k.KindOf(ctx, gk)
	return kind, err == nil
}

// Apply is what a server-side apply by a manager makes of an object, which runs as it is
// given, or not at all with nil. It merges as Kubernetes does, but for schemas: a list is
// one value, nothing gets a default, and nothing is validated.
func Apply(running, u *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	return result(merger(u).Apply(orEmpty(running, u), u.DeepCopy(), manager, true))
}

// Update is what it makes of an object that a manager writes as a whole.
func Update(running, u *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	return result(merger(u).Update(orEmpty(running, u), u.DeepCopy(), manager))
}

func merger(u *unstructured.Unstructured) *managedfields.FieldManager {
	return managedfieldstest.NewFakeFieldManager(managedfields.NewDeducedTypeConverter(), u.GroupVersionKind())
}

func result(o runtime.Object, err error) (*unstructured.Unstructured, error) {
	if err != nil {
		return nil, err
	}
	return o.(*unstructured.Unstructured), nil
}

// orEmpty is an object as it runs, or without any fields.
func orEmpty(running, u *unstructured.Unstructured) *unstructured.Unstructured {
	if running != nil {
		return running.DeepCopy()
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": u.GetAPIVersion(), "kind": u.GetKind()}}
}

// Extent is what an inventory says of where an app's objects are, as a cluster stores it.
type Extent struct{ Kinds, Namespaces string }

// Parent is an inventory as a cluster stores it.
func Parent(app name.App, repository name.Repo, server, version string, extent Extent) kube.Parent {
	fresh := kube.NewParent(app, repository)
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret"}}
	u.SetName(fresh.Name())
	u.SetNamespace(kube.SystemNamespace)
	u.SetUID(types.UID("uid of the inventory"))
	u.SetResourceVersion(version)
	u.SetLabels(map[string]string{kube.IDLabel: fresh.ID()})
	u.SetAnnotations(map[string]string{
		"applyset.kubernetes.io/tooling": "pushboat/v1", "pushboat/app": string(app),
		"pushboat/repository": string(repository), "pushboat/server": server,
		"applyset.kubernetes.io/contains-group-kinds": extent.Kinds, "applyset.kubernetes.io/additional-namespaces": extent.Namespaces,
	})
	parent, ok := kube.ParseParent(u)
	if !ok {
		panic("a test has an inventory that is none")
	}
	return parent
}
