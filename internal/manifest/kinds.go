package manifest

import (
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kinds that other objects depend on, or that need special care.
var (
	NamespaceKind  = schema.GroupKind{Kind: "Namespace"}
	DefinitionKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
	SecretKind     = schema.GroupKind{Kind: "Secret"}
)

// Labelled returns an object whose name, namespace and labels can be changed without
// changing o. It shares everything else; to change more, Copy it.
func (o *Object) Labelled() *Object {
	c := *o
	c.Unstructured = &unstructured.Unstructured{Object: maps.Clone(o.Object)}
	if metadata, ok := o.Object["metadata"].(map[string]any); ok {
		c.Object["metadata"] = maps.Clone(metadata)
	}
	return &c
}

// Copy returns an object that can be changed without changing o. It shares
// o's lines.
func (o *Object) Copy() *Object {
	c := *o
	c.Unstructured = o.DeepCopy()
	return &c
}
