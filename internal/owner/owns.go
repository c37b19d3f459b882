// Package owner is the algebra of metadata.managedFields: which fields of an object
// belong to Pushboat, which to other appliers, which ones hand tools have changed or
// added, and which ones to claim before an apply. It takes objects and returns sets of
// fields, and asks no cluster.
package owner

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

// IsOurs reports whether an entry has the fields that Pushboat owns: those it has applied.
func IsOurs(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == kube.FieldManager &&
		entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
}

// Owns reports whether Pushboat owns the field of a JSON pointer on the
// object, or anything below it, by its managedFields. Steps into lists are not followed: a list is
// owned element by element, under keys that a pointer does not have.
func Owns(u *unstructured.Unstructured, pointer string) bool {
	var path fieldpath.Path
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		name := manifest.UnescapeStep(step)
		path = append(path, fieldpath.PathElement{FieldName: &name})
	}
	set := ourSet(u.GetManagedFields())
	if set.Has(path) {
		return true
	}
	for _, step := range path {
		set = set.WithPrefix(step)
	}
	return !set.Empty()
}

// KeepInLists copies what Pushboat owns within lists of the running object into another version
// of it: the fields whose paths pass keep. An element that the other version does not have is
// made if its own path passes, in the place that it has among those of the running object.
func KeepInLists(object map[string]any, running *unstructured.Unstructured, keep func(path fieldpath.Path) bool) {
	for path := range ourSet(running.GetManagedFields()).Leaves().All() {
		inList := slices.ContainsFunc(path, func(e fieldpath.PathElement) bool { return e.FieldName == nil })
		if inList && Pointer(running.Object, path) != "" && keep(path) {
			keeper{path: path, keep: keep}.into(object, running.Object, 0)
		}
	}
}

// keeper copies one field, which the source has.
type keeper struct {
	path fieldpath.Path
	keep func(path fieldpath.Path) bool
}

// into copies the rest of the path, from a step of it on, between the values at that step. It
// returns the one to which it copies, which is a new one if it is a list that became longer.
func (k keeper) into(to, from any, at int) any {
	element, last := k.path[at], at == len(k.path)-1
	index, source, _ := find(from, element)
	place, mine, there := find(to, element)
	switch {
	case !there && !last && !k.keep(k.path[:at+1]):
		return to
	case last && element.FieldName != nil:
		mine = source
	case !there:
		mine = emptyLike(source, element)
	}
	if !last {
		mine = k.into(mine, source, at+1)
	}
	switch to := to.(type) {
	case map[string]any:
		to[*element.FieldName] = mine
	case []any:
		if there {
			to[place] = mine
			return to
		}
		list, _ := from.([]any)
		return slices.Insert(slices.Clip(to), placeAmong(to, list, index, element), mine)
	}
	return to
}

// emptyLike is a value of the kind of another one, with nothing in it but its key.
func emptyLike(source any, element fieldpath.PathElement) any {
	switch source := source.(type) {
	case map[string]any:
		made := map[string]any{}
		if element.Key != nil {
			for _, key := range *element.Key {
				if field, ok := source[key.Name]; ok {
					made[key.Name] = field
				}
			}
		}
		return made
	case []any:
		return []any{}
	}
	return source
}

// placeAmong is where an element of a list belongs in another version of the list: before the
// first one that comes after it.
func placeAmong(to, from []any, index int, element fieldpath.PathElement) int {
	for i, item := range to {
		if slices.ContainsFunc(from[index+1:], func(later any) bool { return isSame(item, later, element) }) {
			return i
		}
	}
	return len(to)
}

// isSame reports whether two values are the same element of a list with keys like those of an
// element's.
func isSame(a, b any, element fieldpath.PathElement) bool {
	if element.Key == nil {
		return value.Equals(value.NewValueInterface(a), value.NewValueInterface(b))
	}
	one, isOne := a.(map[string]any)
	other, isOther := b.(map[string]any)
	return isOne && isOther && !slices.ContainsFunc(*element.Key, func(key value.Field) bool {
		return !value.Equals(value.NewValueInterface(one[key.Name]), value.NewValueInterface(other[key.Name]))
	})
}
