package manifest

import "slices"

// specialKinds are the kinds of which objects are looked for among all of an app: what
// others need, what is secret, and what scales others, whatever its group.
var specialKinds = map[string]bool{
	NamespaceKind.Kind: true, DefinitionKind.Kind: true, SecretKind.Kind: true,
	"HorizontalPodAutoscaler": true, "ScaledObject": true,
}

// IsSpecial reports whether the object has to be known to whoever handles an app, beside
// being one of its objects: it is of a kind that is looked for, asks for special handling,
// or is not to be shown as it is. Nearly no object is, and an app may have ten thousand.
func (o *Object) IsSpecial() bool {
	if specialKinds[o.GetKind()] || o.Conceals() {
		return true
	}
	policy, misread := PolicyOf(o.Unstructured)
	return policy != Policy{} || len(misread) > 0
}

// SpecialOf returns those of the objects that are special, in their order. It is never nil.
func SpecialOf(objects []*Object) []*Object {
	special := []*Object{}
	for _, o := range objects {
		if o.IsSpecial() {
			special = append(special, o)
		}
	}
	return slices.Clip(special)
}
