package owner

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	"github.com/pushboat/pushboat/internal/kube"
)

// Hindrances returns the fields of a running object that may keep the manifest from
// being applied: below one of the places, not in the manifest, neither Pushboat's nor
// another applier's, nor set through a subresource. The API server has filled them in,
// hand tools have added them, or some program has updated them. Server-side apply
// leaves them where they are, and they may contradict the rest: the rollingUpdate of a
// strategy that is now Recreate, a second port of one name, a second handler of a
// probe.
//
// A place is the names of fields from the root. The elements of a list have no names,
// so that a place stands for all of them.
//
// The set has leaves, and a mapping or an element of a list as a whole if nothing in it
// is in the manifest or owned. successor names the managers whose fields become
// Pushboat's with the apply, so that they count as unowned; nil for none.
func Hindrances(running *unstructured.Unstructured, written map[string]any, places [][]string, successor func(manager string) bool) *fieldpath.Set {
	owned := &fieldpath.Set{}
	for _, entry := range running.GetManagedFields() {
		applies := entry.Operation == metav1.ManagedFieldsOperationApply && (successor == nil || !successor(entry.Manager))
		if IsOurs(entry) || applies || entry.Subresource != "" {
			owned = owned.Union(setOf(entry))
		}
	}
	h := &hindering{
		keys: listKeys(running.GetManagedFields()), places: places,
		ours: ourSet(running.GetManagedFields()), found: &fieldpath.Set{},
	}
	for name, child := range running.Object {
		if name != "metadata" && name != "status" && name != "kind" && name != "apiVersion" {
			h.field(spot{owned: owned}, name, child, written)
		}
	}
	return h.found
}

// hindering collects hindrances.
type hindering struct {
	keys   map[string][]string // of lists, by listPath
	places [][]string
	ours   *fieldpath.Set // owned by Pushboat
	found  *fieldpath.Set
}

// spot is where in the running object the search is.
type spot struct {
	path   fieldpath.Path
	names  []string       // of the path, without the elements of lists
	owned  *fieldpath.Set // owned below it
	member bool           // it is owned itself
}

// at returns the spot of an element of s.
func (s spot) at(element fieldpath.PathElement) spot {
	below := spot{
		path: append(slices.Clip(s.path), element), names: s.names,
		owned: s.owned.WithPrefix(element), member: s.owned.Members.Has(element),
	}
	if element.FieldName != nil {
		below.names = append(slices.Clip(s.names), *element.FieldName)
	}
	return below
}

// atomic reports whether the spot is owned as one value, with everything below it.
func (s spot) atomic() bool { return s.member && s.owned.Empty() }

// free reports whether the spot and all below it is owned by nobody that counts.
func (s spot) free() bool { return !s.member && s.owned.Empty() }

// field looks at a field of a mapping, and reports whether it goes as a whole.
func (h *hindering) field(parent spot, name string, running any, written map[string]any) bool {
	at := parent.at(fieldpath.FieldNameElement(name))
	counterpart, isWritten := written[name]
	if !h.concerns(at.names) || at.atomic() && !h.empty(at, running) {
		return false
	}
	var whole bool
	switch running := running.(type) {
	case map[string]any:
		mapping, _ := counterpart.(map[string]any)
		whole = h.mapping(at, running, mapping) && !isWritten
	case []any:
		whole = h.list(at, running, counterpart) && !isWritten
	default:
		whole = !isWritten
	}
	return h.take(at, whole)
}

// empty reports whether a spot is owned as one value only because Pushboat has applied
// an empty mapping there: the API server has filled it in.
func (h *hindering) empty(at spot, running any) bool {
	_, mapping := running.(map[string]any)
	return mapping && h.ours.Has(at.path)
}

// take enters a spot that goes as a whole, if it is free and below a place.
func (h *hindering) take(at spot, whole bool) bool {
	if !whole || !at.free() || !h.inside(at.names) {
		return false
	}
	h.found.Insert(at.path.Copy())
	return true
}

// mapping looks through a mapping, and reports whether all of it goes.
func (h *hindering) mapping(at spot, running, written map[string]any) bool {
	all := true
	for name, child := range running {
		all = h.field(at, name, child, written) && all
	}
	return all
}

// list looks through a list whose elements have keys; any other is one value. It
// reports whether all of it goes.
func (h *hindering) list(at spot, running []any, written any) bool {
	keys, keyed := h.keys[listPath(at.path)]
	if !keyed {
		return true
	}
	counterparts, _ := written.([]any)
	all := true
	for _, item := range running {
		fields, ok := item.(map[string]any)
		if !ok {
			return false
		}
		all = h.element(at, fields, counterparts, keys) && all
	}
	return all
}

// element looks at an element of a list. Its key stays as long as the element does.
func (h *hindering) element(list spot, running map[string]any, written []any, keys []string) bool {
	element := keyElement(running, keys)
	at := list.at(element)
	counterpart, isWritten := counterpartOf(element, written)
	if at.atomic() {
		return false
	}
	if isWritten || !at.free() {
		rest := maps.Clone(running)
		for _, key := range keys {
			delete(rest, key)
		}
		h.mapping(at, rest, counterpart)
		return false
	}
	return h.take(at, h.mapping(at, running, counterpart))
}

// concerns reports whether the names lead to a place, or are below one.
func (h *hindering) concerns(names []string) bool {
	return slices.ContainsFunc(h.places, func(place []string) bool {
		n := min(len(place), len(names))
		return slices.Equal(place[:n], names[:n])
	})
}

// inside reports whether the names are those of a place, or below one.
func (h *hindering) inside(names []string) bool {
	return slices.ContainsFunc(h.places, func(place []string) bool {
		return len(names) >= len(place) && slices.Equal(place, names[:len(place)])
	})
}

// listKeys finds the lists whose elements have keys, and their keys, from the entries
// about the elements' owners.
func listKeys(entries []metav1.ManagedFieldsEntry) map[string][]string {
	keys := map[string][]string{}
	for _, entry := range entries {
		setOf(entry).Iterate(func(path fieldpath.Path) {
			for i, step := range path {
				if step.Key == nil {
					continue
				}
				names := make([]string, 0, len(*step.Key))
				for _, field := range *step.Key {
					names = append(names, field.Name)
				}
				keys[listPath(path[:i])] = names
			}
		})
	}
	return keys
}

// listPath writes the names on a path, so that a list has one for all elements above
// it.
func listPath(path fieldpath.Path) string {
	var text strings.Builder
	for _, step := range path {
		if step.FieldName != nil {
			text.WriteString("/" + *step.FieldName)
		}
	}
	return text.String()
}

// keyElement is how an element of a list is named in a path.
func keyElement(item map[string]any, keys []string) fieldpath.PathElement {
	fields := value.FieldList{}
	for _, key := range keys {
		if of, ok := item[key]; ok {
			fields = append(fields, value.Field{Name: key, Value: value.NewValueInterface(of)})
		}
	}
	fields.Sort()
	return fieldpath.PathElement{Key: &fields}
}

// counterpartOf finds the element of another list that has the same key. What it does
// not say of the key has its default there.
func counterpartOf(element fieldpath.PathElement, items []any) (map[string]any, bool) {
	for i, item := range items {
		if fields, ok := item.(map[string]any); ok && selects(element, i, item) {
			return fields, true
		}
	}
	return nil, false
}

// Merged returns an object as it would be after removing the fields of gone, and those
// of Pushboat that are not in the manifest, and applying the manifest: a server-side
// apply, as far as managedFields tell the keys of lists. The API server fills in the
// rest.
func Merged(running *unstructured.Unstructured, written map[string]any, gone *fieldpath.Set) *unstructured.Unstructured {
	merged := running.DeepCopy()
	keys := listKeys(running.GetManagedFields())
	dropped := without(ourSet(running.GetManagedFields()).Leaves(), func(path fieldpath.Path) bool {
		return holds(written, path)
	})
	Remove(merged.Object, gone)
	Remove(merged.Object, dropped)
	if whole, ok := merge(nil, merged.Object, written, keys).(map[string]any); ok {
		merged.Object = whole
	}
	return merged
}

// holds reports whether a value has something at a path.
func holds(at any, path fieldpath.Path) bool {
	_, ok := follow(at, path)
	return ok
}

// follow returns what a path leads to in a value, if it leads to something.
func follow(at any, path fieldpath.Path) (found any, ok bool) {
	for _, element := range path {
		if _, at, ok = find(at, element); !ok {
			return nil, false
		}
	}
	return at, true
}

// merge puts one value over another.
func merge(path fieldpath.Path, under, over any, keys map[string][]string) any {
	switch over := over.(type) {
	case map[string]any:
		base, ok := under.(map[string]any)
		if !ok {
			base = map[string]any{}
		}
		for name, child := range over {
			below := append(slices.Clip(path), fieldpath.FieldNameElement(name))
			base[name] = merge(below, base[name], child, keys)
		}
		return base
	case []any:
		names, keyed := keys[listPath(path)]
		base, ok := under.([]any)
		if !keyed || !ok {
			return over
		}
		return mergeList(path, base, over, names, keys)
	}
	return over
}

// mergeList merges lists element by element.
func mergeList(path fieldpath.Path, under, over []any, names []string, keys map[string][]string) any {
	for _, item := range over {
		fields, ok := item.(map[string]any)
		if !ok {
			return over
		}
		at := slices.IndexFunc(under, func(former any) bool {
			have, ok := former.(map[string]any)
			return ok && selects(keyElement(have, names), 0, fields)
		})
		if at < 0 {
			under = append(under, item)
			continue
		}
		under[at] = merge(path, under[at], item, keys)
	}
	return under
}

// Claim returns managedFields in which the fields of a set belong to Pushboat, and no
// longer to managers that have updated them or are succeeded, so that an apply that
// does not name them removes them.
func Claim(u *unstructured.Unstructured, give *fieldpath.Set, successor func(manager string) bool) ([]metav1.ManagedFieldsEntry, error) {
	give = withElements(give)
	var kept []metav1.ManagedFieldsEntry
	ours := metav1.ManagedFieldsEntry{
		Manager: kube.FieldManager, Operation: metav1.ManagedFieldsOperationApply,
		APIVersion: u.GetAPIVersion(), FieldsType: "FieldsV1",
	}
	mine := &fieldpath.Set{}
	for _, entry := range u.GetManagedFields() {
		switch {
		case IsOurs(entry):
			ours, mine = entry, setOf(entry)
			continue
		case entry.Subresource == "" && (entry.Operation == metav1.ManagedFieldsOperationUpdate || successor != nil && successor(entry.Manager)):
			left := setOf(entry).RecursiveDifference(give)
			if left.Empty() {
				continue
			}
			if err := setFields(&entry, left); err != nil {
				return nil, err
			}
		}
		kept = append(kept, entry)
	}
	if err := setFields(&ours, mine.Union(give)); err != nil {
		return nil, err
	}
	return append(kept, ours), nil
}

// withElements adds to a set the elements of lists whose keys it has. An apply that
// removed only the fields of a key would leave an element without one, which the API
// server refuses ("may not have a null element").
func withElements(set *fieldpath.Set) *fieldpath.Set {
	elements := &fieldpath.Set{}
	set.Iterate(func(path fieldpath.Path) {
		if last := path[len(path)-1].FieldName; last != nil && isKey(path, *last) {
			elements.Insert(path[:len(path)-1].Copy())
		}
	})
	return set.Union(elements)
}
