package owner

import (
	"bytes"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Tools are the field managers that people use: names, or prefixes of names that end in
// *. Fields that they add to one of our objects are drift, as are fields that they
// change; fields that controllers add are not.
type Tools []string

// DefaultTools are kubectl with all its commands, which call themselves kubectl-edit,
// kubectl-patch and so on; the API server's name for the unknown writer before the
// first apply; OpenShift's oc; k9s and Lens; and browsers, as dashboards appear.
var DefaultTools = Tools{"kubectl*", unknownWriter, "oc", "oc-*", "k9s", "Lens*", "OpenLens*", "Mozilla"}

// Has reports whether a field manager is one of the tools.
func (t Tools) Has(manager string) bool {
	for _, tool := range t {
		prefix, open := strings.CutSuffix(tool, "*")
		if manager == tool || open && strings.HasPrefix(manager, prefix) {
			return true
		}
	}
	return false
}

// restoredPrefix begins the labels and annotations that Velero has on what it restores:
// they name the backup.
const restoredPrefix = "velero.io/"

// HandFields are the fields of an object that hand tools have added: that one
// of them owns, and neither Pushboat nor any other manager. Fields set through
// a subresource, as by kubectl scale, are not among them: where the manifest
// says nothing of replicas, their number is somebody else's to set. Nor are the
// annotations by which people tell tools to keep an object, or to leave it alone, nor
// what a tool for backups notes on what it restores. Of a writer that nobody knows, only
// what people are likely to have set counts, see machined.
// Nor is the annotation of a restart: taking it off would replace the pods a second time.
// The set holds leaves only, and is empty rather than nil.
func (t Tools) HandFields(fields []metav1.ManagedFieldsEntry) *fieldpath.Set {
	added := &fieldpath.Set{}
	for _, entry := range fields {
		switch {
		case !t.hand(entry):
		case isUnknown(entry):
			added = added.Union(without(setOf(entry).Leaves(), isMachined))
		default:
			added = added.Union(setOf(entry).Leaves())
		}
	}
	others := &fieldpath.Set{}
	for _, entry := range fields {
		if added.Empty() {
			return added
		}
		if !t.hand(entry) {
			others = others.Union(setOf(entry))
		}
	}
	return without(added.Difference(others), func(path fieldpath.Path) bool {
		last := path[len(path)-1].FieldName
		return last != nil && (*last == kube.RestartedAt || manifest.IsPeerKey(*last) || strings.HasPrefix(*last, restoredPrefix) ||
			isKey(path, *last) && others.Has(path[:len(path)-1])) || hasBelow(others, path)
	})
}

// hasBelow reports whether a set has fields below a path: the map or list there is no
// leaf to their owners.
func hasBelow(set *fieldpath.Set, path fieldpath.Path) bool {
	for _, element := range path {
		set = set.WithPrefix(element)
	}
	return !set.Empty()
}

// isKey reports whether the last field of a path is part of the key of a list's
// element: it is the element's as long as that has any other owner.
func isKey(path fieldpath.Path, field string) bool {
	if len(path) < 2 || path[len(path)-2].Key == nil {
		return false
	}
	return slices.ContainsFunc(*path[len(path)-2].Key, func(f value.Field) bool { return f.Name == field })
}

// hand reports whether an entry is a hand tool's write to the object itself.
func (t Tools) hand(entry metav1.ManagedFieldsEntry) bool {
	return entry.Subresource == "" && !IsOurs(entry) && t.Has(entry.Manager)
}

// Surrender returns managedFields in which the fields of a set belong to
// Pushboat and no longer to hand tools, so that an apply that does not name
// them removes them. It is how kubectl itself moves from client-side to
// server-side apply (client-go's csaupgrade).
func (t Tools) Surrender(fields []metav1.ManagedFieldsEntry, give *fieldpath.Set) ([]metav1.ManagedFieldsEntry, error) {
	var kept []metav1.ManagedFieldsEntry
	given := &fieldpath.Set{}
	ours := -1
	for _, entry := range fields {
		if t.hand(entry) {
			all := setOf(entry)
			stay := all.Leaves().Difference(give)
			given = given.Union(all.Difference(stay))
			if stay.Empty() {
				continue
			}
			if err := setFields(&entry, stay); err != nil {
				return nil, err
			}
		}
		if IsOurs(entry) {
			ours = len(kept)
		}
		kept = append(kept, entry)
	}
	if ours < 0 {
		return kept, nil // nothing is ours yet: unowned fields stay, and the next apply decides
	}
	return kept, setFields(&kept[ours], setOf(kept[ours]).Union(given))
}

// Taken are the fields that an apply takes from other appliers, by their names:
// those that they own before and no longer after it, unless Pushboat had owned
// them too. Hand tools are not asked.
func (t Tools) Taken(before, after *unstructured.Unstructured) map[string]*fieldpath.Set {
	mine := ourSet(before.GetManagedFields())
	left := map[string]*fieldpath.Set{}
	for _, entry := range after.GetManagedFields() {
		if entry.Operation == metav1.ManagedFieldsOperationApply {
			left[entry.Manager+"/"+entry.Subresource] = setOf(entry)
		}
	}
	taken := map[string]*fieldpath.Set{}
	for _, entry := range before.GetManagedFields() {
		if IsOurs(entry) || entry.Operation != metav1.ManagedFieldsOperationApply || t.Has(entry.Manager) {
			continue
		}
		lost := setOf(entry).Leaves().Difference(mine)
		if still := left[entry.Manager+"/"+entry.Subresource]; still != nil {
			lost = lost.Difference(still)
		}
		if !lost.Empty() {
			taken[entry.Manager] = lost
		}
	}
	return taken
}

// Lost are the fields that an apply would make ours that were not before it.
func Lost(before, after *unstructured.Unstructured) *fieldpath.Set {
	return ourSet(after.GetManagedFields()).Leaves().Difference(ourSet(before.GetManagedFields()))
}

// ourSet returns the fields that Pushboat owns; empty rather than nil.
func ourSet(fields []metav1.ManagedFieldsEntry) *fieldpath.Set {
	for _, entry := range fields {
		if IsOurs(entry) {
			return setOf(entry)
		}
	}
	return &fieldpath.Set{}
}

// setOf reads the fields of an entry. What cannot be read owns nothing.
func setOf(entry metav1.ManagedFieldsEntry) *fieldpath.Set {
	set := &fieldpath.Set{}
	if entry.FieldsV1 == nil || set.FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())) != nil {
		return &fieldpath.Set{}
	}
	return set
}

func setFields(entry *metav1.ManagedFieldsEntry, set *fieldpath.Set) error {
	text, err := set.ToJSON()
	if err != nil {
		return err
	}
	entry.FieldsV1 = &metav1.FieldsV1{}
	entry.FieldsV1.SetRawBytes(text)
	return nil
}

// without returns a set without the paths that drop names.
func without(set *fieldpath.Set, drop func(fieldpath.Path) bool) *fieldpath.Set {
	kept := &fieldpath.Set{}
	set.Iterate(func(path fieldpath.Path) {
		if !drop(path) {
			kept.Insert(path.Copy())
		}
	})
	return kept
}
