package importer

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// keepNamespace is the annotation with which a Namespace stays that nobody has written: Argo CD
// deletes none that it has made.
const keepNamespace = "argocd.argoproj.io/sync-options"

// Applied parts what an app is rendered to as Split does, and adds the Namespace with the labels
// and annotations that its object asks for, unless the app writes it itself.
func Applied(spec appfile.App, rendered []*manifest.Object) (applied, meant []*manifest.Object) {
	applied, meant = Split(rendered)
	if spec.NamespaceMetadata.IsZero() {
		return applied, meant
	}
	namespace := namespaceOf(spec)
	if slices.ContainsFunc(applied, func(o *manifest.Object) bool { return o.ID() == namespace.ID() }) {
		return applied, meant
	}
	return slices.Insert(slices.Clip(applied), 0, namespace), meant
}

// namespaceOf is the Namespace of an app.
func namespaceOf(spec appfile.App) *manifest.Object {
	o := &manifest.Object{Source: spec.Source, Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": manifest.NamespaceKind.Kind, "metadata": map[string]any{"name": spec.Namespace},
	}}}
	if len(spec.NamespaceMetadata.Labels) > 0 {
		o.SetLabels(maps.Clone(spec.NamespaceMetadata.Labels))
	}
	annotations := map[string]string{keepNamespace: "Prune=false,Delete=false"}
	maps.Copy(annotations, spec.NamespaceMetadata.Annotations)
	o.SetAnnotations(annotations)
	return o
}
