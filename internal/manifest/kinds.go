package manifest

import "k8s.io/apimachinery/pkg/runtime/schema"

// Kinds that other objects depend on, or that need special care.
var (
	NamespaceKind  = schema.GroupKind{Kind: "Namespace"}
	DefinitionKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
	SecretKind     = schema.GroupKind{Kind: "Secret"}
)

// Copy returns an object that can be changed without changing o. It shares
// o's lines.
func (o *Object) Copy() *Object {
	c := *o
	c.Unstructured = o.DeepCopy()
	return &c
}
