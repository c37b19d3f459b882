package manifest

import (
	"cmp"
	"strconv"
	"strings"
	"unique"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ID identifies an object on one cluster, whatever API version it is written
// in: an object that moves from v1beta1 to v1 is still the same object. The
// zero Namespace means that the object is cluster-scoped, or that its
// namespace has not been decided yet.
type ID struct {
	Group, Kind, Namespace, Name string
}

// Generated ends the name in the ID of an object that is written with
// generateName: it has no name yet. No object can have it in its name.
const Generated = "*"

// IDOf returns the identity of u as written, without any default namespace.
func IDOf(u *unstructured.Unstructured) ID {
	gvk, name := u.GroupVersionKind(), u.GetName()
	if prefix := u.GetGenerateName(); name == "" && prefix != "" {
		name = prefix + Generated
	}
	return ID{Group: gvk.Group, Kind: gvk.Kind, Namespace: u.GetNamespace(), Name: name}
}

// Interned returns the identity with strings that it shares with every other interned
// identity of the same object. Code that remembers many objects by their identities
// should remember interned ones: comparing two of them then compares pointers.
func (id ID) Interned() ID {
	for _, text := range []*string{&id.Group, &id.Kind, &id.Namespace, &id.Name} {
		*text = unique.Make(*text).Value()
	}
	return id
}

// IsGenerated reports whether the object has no name of its own yet.
func (id ID) IsGenerated() bool { return strings.HasSuffix(id.Name, Generated) }

// GroupKind returns the object's kind without its version.
func (id ID) GroupKind() schema.GroupKind {
	return schema.GroupKind{Group: id.Group, Kind: id.Kind}
}

// String names the object as people do: "Deployment shop/web", or "Namespace
// shop" where there is no namespace. The group is left out.
func (id ID) String() string {
	if id.Namespace == "" {
		return id.Kind + " " + id.Name
	}
	return id.Kind + " " + id.Namespace + "/" + id.Name
}

// Less orders objects by namespace, kind, name and group, the order in which
// they are listed to people.
func (id ID) Less(other ID) bool {
	return id.Compare(other) < 0
}

// Compare is -1, 0 or 1, in the order of Less.
func (id ID) Compare(other ID) int {
	if c := cmp.Compare(id.Namespace, other.Namespace); c != 0 {
		return c
	}
	if c := cmp.Compare(id.Kind, other.Kind); c != 0 {
		return c
	}
	if c := cmp.Compare(id.Name, other.Name); c != 0 {
		return c
	}
	return cmp.Compare(id.Group, other.Group)
}

// Key writes the identity as one token, group/Kind/namespace/name, from which
// ParseKey reads it back. Records use it.
func (id ID) Key() string {
	return strings.Join([]string{id.Group, id.Kind, id.Namespace, id.Name}, "/")
}

// ParseKey reads the output of Key; ok is false for anything else.
func ParseKey(key string) (id ID, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 || parts[1] == "" || parts[3] == "" {
		return ID{}, false
	}
	return ID{Group: parts[0], Kind: parts[1], Namespace: parts[2], Name: parts[3]}, true
}

// Source is a place in a repository. The zero Source means that there is none,
// as for the Namespace that createNamespace makes.
type Source struct {
	File string
	Line int // from 1; 0 when only the file is known
}

// String writes the place as compilers do: "deploy/web.yaml:14".
func (s Source) String() string {
	if s.File == "" || s.Line == 0 {
		return s.File
	}
	return s.File + ":" + strconv.Itoa(s.Line)
}
