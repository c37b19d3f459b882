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

// KeepInLists copies fields of the running object that Pushboat owns within lists into another
// version of it: those whose pointers pass keep, and whose elements are there as well, wherever
// in their lists.
func KeepInLists(object map[string]any, running *unstructured.Unstructured, keep func(pointer string) bool) {
	for path := range ourSet(running.GetManagedFields()).Leaves().All() {
		last := len(path) - 1
		if path[last].FieldName == nil || !slices.ContainsFunc(path, func(e fieldpath.PathElement) bool { return e.FieldName == nil }) {
			continue
		}
		if pointer := Pointer(running.Object, path); pointer == "" || !keep(pointer) {
			continue
		}
		field := *path[last].FieldName
		value, _ := follow(running.Object, path)
		parent, _ := follow(object, path[:last])
		if to, ok := parent.(map[string]any); ok {
			to[field] = value
		}
	}
}
